//! What is done on several shards, one after the other: written once, for the async and the blocking session.

/// The methods of a sharded session: of which type, and what makes a method wait.
#[doc(hidden)]
#[macro_export]
macro_rules! sharded_methods {
    ($name:ty, { $($async:tt)* }, { $($await:tt)* }) => {
        impl $name {
            /// The object of a key, from the first shard that has it, of those that [`Sharding::for_key`] chooses.
            ///
            /// # Errors
            ///
            /// As [`Session::get`].
            pub $($async)* fn get<T: $crate::Mapped>(&mut self, key: impl $crate::IntoKey) -> $crate::Result<Option<$crate::Handle<T>>> {
                let mut values = $crate::KeyValues::default();
                $crate::IntoKey::into_key(key, &mut values);
                let values = values.into_values();
                for session in self.for_key::<T>(&values)? {
                    if let Some(found) = session.get(values.clone())$($await)*? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }

            /// The objects that a query finds on the shards that [`Sharding::for_query`] chooses, one shard after the other:
            /// order and limit are those within a shard.
            ///
            /// # Errors
            ///
            /// As [`Session::all`].
            pub $($async)* fn all<T: $crate::Mapped>(&mut self, query: $crate::Select<T>) -> $crate::Result<Vec<$crate::Handle<T>>> {
                let mut found = Vec::new();
                for session in self.for_query(&query.clone().into_query())? {
                    found.extend(session.all(query.clone())$($await)*?);
                }
                Ok(found)
            }

            /// The rows that a query of columns finds, one shard after the other.
            ///
            /// # Errors
            ///
            /// As [`Session::rows`].
            pub $($async)* fn rows<R: Send>(&mut self, query: $crate::Rows<R>) -> $crate::Result<Vec<R>> {
                let mut found = Vec::new();
                for session in self.for_query(&query.clone().into_query())? {
                    found.extend(session.rows(query.clone())$($await)*?);
                }
                Ok(found)
            }

            /// How many objects a query finds on all shards that it is for.
            ///
            /// # Errors
            ///
            /// As [`Session::count`].
            pub $($async)* fn count(&mut self, query: impl Into<$crate::Query>) -> $crate::Result<u64> {
                let query = query.into();
                let mut found = 0;
                for session in self.for_query(&query)? {
                    found += session.count(query.clone())$($await)*?;
                }
                Ok(found)
            }

            /// Runs an UPDATE by criteria on all shards; gives the number of rows.
            ///
            /// # Errors
            ///
            /// As [`Session::execute_update`].
            pub $($async)* fn execute_update<T: $crate::Mapped>(&mut self, update: $crate::Update<T>) -> $crate::Result<u64> {
                let mut rows = 0;
                for (_, session) in self.sessions_mut() {
                    rows += session.execute_update(update.clone())$($await)*?;
                }
                Ok(rows)
            }

            /// Runs a DELETE by criteria on all shards; gives the number of rows.
            ///
            /// # Errors
            ///
            /// As [`Session::execute_delete`].
            pub $($async)* fn execute_delete<T: $crate::Mapped>(&mut self, delete: $crate::Delete<T>) -> $crate::Result<u64> {
                let mut rows = 0;
                for (_, session) in self.sessions_mut() {
                    rows += session.execute_delete(delete.clone())$($await)*?;
                }
                Ok(rows)
            }

            /// Marks an object to be deleted by the next flush.
            ///
            /// # Errors
            ///
            /// As [`Session::delete`].
            pub $($async)* fn delete<T>(&mut self, object: $crate::Handle<T>) -> $crate::Result<()> {
                self.session_of_mut(object)?.delete(object)$($await)*
            }

            /// Writes what has changed, on all shards.
            ///
            /// # Errors
            ///
            /// As [`Session::flush`]; the error names the shard.
            pub $($async)* fn flush(&mut self) -> $crate::Result<()> {
                for (name, session) in self.sessions_mut() {
                    session.flush()$($await)*.map_err(|e| e.context(format_args!("shard `{name}`")))?;
                }
                Ok(())
            }

            /// Flushes all shards, and then commits their transactions, one after the other: where a flush fails, none is
            /// committed. Should a commit fail, those before it have taken effect, and the error says which.
            ///
            /// # Errors
            ///
            /// As [`Session::commit`]; the error names the shard.
            pub $($async)* fn commit(&mut self) -> $crate::Result<()> {
                self.flush()$($await)*?;
                let mut committed: Vec<&str> = Vec::new();
                for (name, session) in self.sessions_mut() {
                    if let Err(error) = session.commit()$($await)* {
                        let done = match committed.is_empty() {
                            true => "nothing".to_owned(),
                            false => format!("`{}`", committed.join("`, `")),
                        };
                        return Err(error.context(format_args!("shard `{name}`, {done} being committed")));
                    }
                    committed.push(name);
                }
                Ok(())
            }

            /// Rolls the transactions of all shards back, also where one of them fails.
            ///
            /// # Errors
            ///
            /// The first one's, as [`Session::rollback`]; it names the shard.
            pub $($async)* fn rollback(&mut self) -> $crate::Result<()> {
                let mut done = Ok(());
                for (name, session) in self.sessions_mut() {
                    if let Err(error) = session.rollback()$($await)* {
                        done = done.and(Err(error.context(format_args!("shard `{name}`"))));
                    }
                }
                done
            }

            /// Rolls back what is open, and takes every object out.
            ///
            /// # Errors
            ///
            /// The first one's, as [`Session::close`]; it names the shard.
            pub $($async)* fn close(&mut self) -> $crate::Result<()> {
                let mut done = Ok(());
                for (name, session) in self.sessions_mut() {
                    if let Err(error) = session.close()$($await)* {
                        done = done.and(Err(error.context(format_args!("shard `{name}`"))));
                    }
                }
                done
            }
        }
    };
}
