mod model {
    use aludel::prelude::*;

    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "user_account")]
    pub struct User {
        #[column(primary_key)]
        pub id: Auto<i64>,
        secret: String,
    }
}

fn main() {
    let _ = model::User::id;
    let _ = model::User::secret;
    let _ = model::User::ATTRS.secret;
}
