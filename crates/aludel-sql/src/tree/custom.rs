//! Leaves that a layer above puts into the tree.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::{KeyWriter, Node};
use crate::{DataType, Result};

/// A leaf of the tree that another layer put there, such as an attribute of a mapped class. It
/// takes part in the key of the cache, and must be rewritten before the tree is rendered.
///
/// A custom node that depends on values holds them as [`Node`]s (`Node::literal(…)`), tells the key
/// of them, and lets them be replaced: so the statement that is rendered refers to the parameters
/// that the key collected.
pub trait CustomNode: Any + Debug + Send + Sync {
    /// Writes tokens that tell this node from any other that is to be rendered in another way, and
    /// the nodes it holds by [`KeyWriter::node`].
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>);

    /// This node with each of the nodes it holds replaced by what `replace` makes of it, in the
    /// order in which [`key`](Self::key) writes them; `None` if it holds none.
    ///
    /// # Errors
    /// Those of `replace`.
    fn rebuild(
        &self,
        replace: &mut dyn FnMut(&Node) -> Result<Node>,
    ) -> Result<Option<Arc<dyn CustomNode>>> {
        let _ = replace;
        Ok(None)
    }

    /// The name that it gives a column of a result.
    fn name(&self) -> Option<&str> {
        None
    }

    /// The type, where it is known.
    fn data_type(&self) -> Option<DataType> {
        None
    }

    /// Whether it says itself what a comparison with it means: then the denial of one is not another one.
    fn compares(&self) -> bool {
        false
    }

    /// Itself, for the layer that knows its type.
    fn as_any(&self) -> &dyn Any;
}
