//! The SQL twin of a body: the same expression, made of calls that build SQL.
//!
//! What is not known here is refused where it stands, so that nothing is ever translated to something that means
//! another thing.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    BinOp, Block, Expr, ExprCall, ExprClosure, ExprIf, ExprLit, ExprMethodCall, Ident, Lit, LitInt,
    LitStr, Local, Member, Pat, RangeLimits, Stmt, Token, Type, UnOp,
};

use super::read::{Hybrid, Hybrids, ParamKind};

type Result<T> = std::result::Result<T, syn::Error>;

/// What to do about what cannot be translated.
const INSTEAD: &str = "write the expression beside it: `#[hybrid(expression = …)]`";

/// The twin of a hybrid's body.
pub(super) fn body(hybrids: &Hybrids, hybrid: &Hybrid) -> Result<TokenStream> {
    let objects = hybrid.params.iter().filter(|param| matches!(param.kind, ParamKind::Object));
    let objects = objects.map(|param| param.name.clone()).collect();
    let values = hybrid.params.iter().filter(|param| matches!(param.kind, ParamKind::Value(_)));
    let locals = values.map(|param| param.name.clone()).collect();
    Scope { hybrids, objects, locals }.block(&hybrid.method.block)
}

/// The names that stand for something.
#[derive(Clone)]
struct Scope<'h> {
    hybrids: &'h Hybrids,
    /// Other objects of the class.
    objects: Vec<Ident>,
    /// Twins.
    locals: Vec<Ident>,
}

fn no(tokens: impl quote::ToTokens, what: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(tokens, format!("{what}; {INSTEAD}"))
}

impl Scope<'_> {
    fn twin(&self) -> TokenStream {
        let private = &self.hybrids.private;
        quote!(#private::Twin)
    }

    fn with(&self, name: Ident) -> Self {
        let mut inner = self.clone();
        inner.objects.retain(|known| *known != name);
        inner.locals.push(name);
        inner
    }

    fn block(&self, block: &Block) -> Result<TokenStream> {
        let Some((last, before)) = block.stmts.split_last() else {
            return Err(no(block, "an empty block has no value"));
        };
        let mut scope = self.clone();
        let mut lets = TokenStream::new();
        for stmt in before {
            let Stmt::Local(Local { pat, init: Some(init), .. }) = stmt else {
                return Err(no(
                    stmt,
                    "a statement does something; a hybrid is one expression, with `let` before it",
                ));
            };
            let name = plain_name(pat)?;
            if init.diverge.is_some() {
                return Err(no(stmt, "`let … else` has no counterpart in SQL"));
            }
            let value = scope.expr(&init.expr)?;
            lets.extend(quote!(let #name = #value;));
            scope = scope.with(name);
        }
        let Stmt::Expr(value, None) = last else {
            return match last {
                Stmt::Macro(found) if found.semi_token.is_none() => {
                    let value = scope.format(&found.mac)?;
                    Ok(quote!({ #lets #value }))
                }
                _ => Err(no(last, "a hybrid ends with its value")),
            };
        };
        let value = scope.expr(value)?;
        Ok(if lets.is_empty() { value } else { quote!({ #lets #value }) })
    }

    fn expr(&self, expr: &Expr) -> Result<TokenStream> {
        let twin = self.twin();
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => self.expr(&inner.expr),
            Expr::Block(inner) if inner.label.is_none() && inner.attrs.is_empty() => {
                self.block(&inner.block)
            }
            Expr::Lit(literal) => self.literal(literal),
            Expr::Path(path) => self.path(path),
            Expr::Field(field) => self.field(expr, &field.base, &field.member),
            Expr::Unary(unary) => {
                let operand = self.expr(&unary.expr)?;
                match unary.op {
                    UnOp::Not(_) => Ok(quote!(#twin::not(#operand))),
                    UnOp::Neg(_) => Ok(quote!(#twin::neg(#operand))),
                    UnOp::Deref(_) => Ok(operand),
                    _ => Err(no(expr, "this operator has no counterpart in SQL")),
                }
            }
            Expr::Binary(binary) => {
                let Some(name) = operator(&binary.op) else {
                    return Err(no(binary.op, "this operator has no counterpart in SQL"));
                };
                let (left, right) = (self.expr(&binary.left)?, self.expr(&binary.right)?);
                let name = Ident::new(name, binary.op.span());
                Ok(quote!(#twin::#name(#left, #right)))
            }
            Expr::If(choice) => self.choice(choice),
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) => self.method(call),
            Expr::Macro(found) => self.format(&found.mac),
            Expr::Cast(cast) if is_count(&cast.expr) => self.expr(&cast.expr),
            Expr::Cast(cast) => match &*cast.ty {
                Type::Path(ty) if ty.path.is_ident("f64") => {
                    let (value, ty) = (self.expr(&cast.expr)?, &cast.ty);
                    Ok(quote!(#twin::number::<#ty>(#value)))
                }
                other => Err(no(
                    other,
                    "databases round and cut in other ways than `as`: `as f64` alone is the same",
                )),
            },
            Expr::Match(found) => Err(no(
                found.match_token,
                "`match` has no counterpart in SQL: use `if`, `if let Some(x)`, `map` or `map_or`",
            )),
            Expr::Closure(closure) => Err(no(
                closure,
                "a closure stands in `map`, `map_or`, `and_then` and `is_some_and` only",
            )),
            Expr::Try(found) => {
                Err(no(found.question_token, "`?` leaves the method, which an expression cannot"))
            }
            Expr::Return(found) => Err(no(
                found.return_token,
                "`return` leaves the method, which an expression cannot",
            )),
            Expr::Index(found) => Err(no(found, "indexing has no counterpart in SQL")),
            other => Err(no(other, "this has no counterpart in SQL")),
        }
    }

    fn literal(&self, literal: &ExprLit) -> Result<TokenStream> {
        let (twin, span) = (self.twin(), literal.span());
        let value = match &literal.lit {
            Lit::Int(number) if number.suffix().is_empty() => {
                let number = LitInt::new(&format!("{}i64", number.base10_digits()), span);
                quote!(#number)
            }
            Lit::Float(_) | Lit::Int(_) | Lit::Str(_) | Lit::Bool(_) | Lit::Char(_) => {
                quote!(#literal)
            }
            other => return Err(no(other, "this literal has no counterpart in SQL")),
        };
        Ok(quote_spanned!(span=> #twin::constant(#value)))
    }

    fn path(&self, path: &syn::ExprPath) -> Result<TokenStream> {
        let twin = self.twin();
        if let Some(name) = path.path.get_ident() {
            if self.locals.contains(name) {
                return Ok(quote!(#name.clone()));
            }
            if self.objects.contains(name) || name == "self" {
                return Err(no(path, "an object as a whole has no counterpart in SQL"));
            }
            if name == "None" {
                return Ok(quote!(#twin::null()));
            }
        }
        let span = path.span();
        Ok(quote_spanned!(span=> #twin::constant(#path)))
    }

    /// The object that an expression names: `self`, or one that was given.
    fn object<'e>(&self, expr: &'e Expr) -> Option<&'e Ident> {
        match expr {
            Expr::Path(path) => {
                let name = path.path.get_ident()?;
                (name == "self" || self.objects.contains(name)).then_some(name)
            }
            Expr::Paren(inner) => self.object(&inner.expr),
            Expr::Reference(inner) => self.object(&inner.expr),
            _ => None,
        }
    }

    /// An attribute or a hybrid of an object.
    fn of(&self, object: &Ident, attribute: TokenStream, span: proc_macro2::Span) -> TokenStream {
        let twin = self.twin();
        if object == "self" {
            quote_spanned!(span=> #twin::of(#attribute))
        } else {
            quote_spanned!(span=> #twin::of(#object.col(#attribute)))
        }
    }

    fn field(&self, expr: &Expr, base: &Expr, member: &Member) -> Result<TokenStream> {
        let (Some(object), Member::Named(name)) = (self.object(base), member) else {
            return Err(no(expr, "only attributes of the object itself are known to SQL"));
        };
        Ok(self.of(object, quote_spanned!(name.span()=> Self::ATTRS.#name), name.span()))
    }

    fn choice(&self, choice: &ExprIf) -> Result<TokenStream> {
        let twin = self.twin();
        let Some((_, otherwise)) = &choice.else_branch else {
            return Err(no(choice.if_token, "`if` without `else` has no value"));
        };
        let otherwise = self.expr(otherwise)?;
        if let Expr::Let(found) = &*choice.cond {
            let name = inside_some(&found.pat)?;
            let value = self.expr(&found.expr)?;
            let then = self.with(name.clone()).block(&choice.then_branch)?;
            return Ok(quote!(#twin::map_or(#value, #otherwise, |#name| #then)));
        }
        let (condition, then) = (self.expr(&choice.cond)?, self.block(&choice.then_branch)?);
        Ok(quote!(#twin::choose(#condition, #then, #otherwise)))
    }

    /// `Some(x)`, `i64::from(x)`, `String::from("x")`.
    fn call(&self, call: &ExprCall) -> Result<TokenStream> {
        let twin = self.twin();
        let Expr::Path(path) = &*call.func else {
            return Err(no(call, "this call has no counterpart in SQL"));
        };
        let segments: Vec<String> =
            path.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (words.as_slice(), call.args.iter().collect::<Vec<_>>().as_slice()) {
            (["Some"] | ["String", "from"], [value]) => self.expr(value),
            (["i16" | "i32" | "i64" | "f64", "from"], [value]) => {
                let (value, ty) = (self.expr(value)?, &path.path.segments[0].ident);
                Ok(quote!(#twin::number::<#ty>(#value)))
            }
            _ => Err(no(call, "this call has no counterpart in SQL")),
        }
    }

    fn method(&self, call: &ExprMethodCall) -> Result<TokenStream> {
        let (twin, method) = (self.twin(), &call.method);
        if let Some(object) = self.object(&call.receiver) {
            return self.hybrid(object, call);
        }
        let name = method.to_string();
        let args: Vec<&Expr> = call.args.iter().collect();
        // `(1..=5).contains(&x)`
        if let (Expr::Range(range), "contains", [value]) =
            (without_parens(&call.receiver), name.as_str(), args.as_slice())
        {
            return self.within(range, value);
        }
        // `text.chars().count()`
        if let (Expr::MethodCall(chars), "count", []) =
            (&*call.receiver, name.as_str(), args.as_slice())
            && chars.method == "chars"
            && chars.args.is_empty()
        {
            let text = self.expr(&chars.receiver)?;
            return Ok(quote!(#twin::length(#text)));
        }
        if matches!(name.as_str(), "len" | "chars") && args.is_empty() {
            return Err(no(
                method,
                "Rust counts bytes, and databases characters: `chars().count()` is the same to both",
            ));
        }
        let value = || self.expr(&call.receiver);
        match (name.as_str(), args.as_slice()) {
            (
                "clone" | "cloned" | "copied" | "as_ref" | "as_deref" | "as_str" | "to_owned"
                | "into" | "value",
                [],
            ) => value(),
            ("to_string", []) => {
                let value = value()?;
                Ok(quote!(#twin::text_of([#value])))
            }
            ("is_none" | "is_some" | "is_empty" | "abs", []) => {
                let value = value()?;
                Ok(quote!(#twin::#method(#value)))
            }
            ("to_lowercase", []) => {
                let value = value()?;
                Ok(quote!(#twin::lower(#value)))
            }
            ("to_uppercase", []) => {
                let value = value()?;
                Ok(quote!(#twin::upper(#value)))
            }
            ("or", [other]) => {
                let (value, other) = (value()?, self.expr(other)?);
                Ok(quote!(#twin::unwrap_or(#value, #other)))
            }
            ("unwrap_or" | "min" | "max" | "starts_with" | "ends_with" | "contains", [other]) => {
                let (value, other) = (value()?, self.expr(other)?);
                Ok(quote!(#twin::#method(#value, #other)))
            }
            ("map" | "and_then", [change]) => {
                let (value, change) = (value()?, self.closure(change)?);
                Ok(quote!(#twin::map(#value, #change)))
            }
            ("is_some_and", [condition]) => {
                let (value, condition) = (value()?, self.closure(condition)?);
                Ok(quote!(#twin::is_some_and(#value, #condition)))
            }
            ("map_or", [otherwise, change]) => {
                let (value, change) = (value()?, self.closure(change)?);
                let otherwise = self.expr(otherwise)?;
                Ok(quote!(#twin::map_or(#value, #otherwise, #change)))
            }
            _ => Err(no(method, format!("`{name}` has no counterpart in SQL"))),
        }
    }

    /// Another hybrid: of `self`, or of an object that was given.
    fn hybrid(&self, object: &Ident, call: &ExprMethodCall) -> Result<TokenStream> {
        let (twin, name) = (self.twin(), &call.method);
        if self.hybrids.has(name) == Some(false) {
            let message = format!(
                "`{name}` is no hybrid: write `#[hybrid]` before it, or for this one `#[hybrid(expression = …)]`"
            );
            return Err(syn::Error::new_spanned(name, message));
        }
        let span = name.span();
        if call.args.is_empty() {
            return Ok(self.of(object, quote_spanned!(span=> Self::#name), span));
        }
        let mut args = Vec::new();
        for arg in &call.args {
            args.push(match self.object(arg) {
                Some(given) if given != "self" => quote!(#given),
                Some(_) => return Err(no(arg, "an object as a whole has no counterpart in SQL")),
                None => {
                    let arg = self.expr(arg)?;
                    if object == "self" { arg } else { quote!(#twin::outside(#arg)) }
                }
            });
        }
        let expression = quote_spanned!(span=> Self::#name(#(#args),*));
        Ok(if object == "self" {
            quote!(#twin::of(#expression))
        } else {
            quote!(#twin::of(#object.expr(#expression)))
        })
    }

    fn within(&self, range: &syn::ExprRange, value: &Expr) -> Result<TokenStream> {
        let twin = self.twin();
        let value = self.expr(value)?;
        let mut conditions = Vec::new();
        if let Some(start) = &range.start {
            let start = self.expr(start)?;
            conditions.push(quote!(#twin::ge(value.clone(), #start)));
        }
        if let Some(end) = &range.end {
            let end = self.expr(end)?;
            conditions.push(match range.limits {
                RangeLimits::HalfOpen(_) => quote!(#twin::lt(value.clone(), #end)),
                RangeLimits::Closed(_) => quote!(#twin::le(value.clone(), #end)),
            });
        }
        let all = conditions.into_iter().reduce(|all, one| quote!(#twin::and(#all, #one)));
        let all = all.ok_or_else(|| no(range, "everything is in this range"))?;
        Ok(quote!({ let value = #value; #all }))
    }

    fn closure(&self, expr: &Expr) -> Result<TokenStream> {
        let Expr::Closure(ExprClosure { inputs, body, .. }) = expr else {
            return Err(no(expr, "a closure is expected here: `|x| …`"));
        };
        let Some(pat) = inputs.first().filter(|_| inputs.len() == 1) else {
            return Err(no(expr, "the closure has one parameter"));
        };
        let name = plain_name(pat)?;
        let body = self.with(name.clone()).expr(body)?;
        Ok(quote!(|#name| #body))
    }

    /// `format!("{}, {}", a, b)`: with nothing between the braces but names.
    fn format(&self, mac: &syn::Macro) -> Result<TokenStream> {
        let twin = self.twin();
        if !mac.path.is_ident("format") {
            return Err(no(&mac.path, "of macros, `format!` alone has a counterpart in SQL"));
        }
        let args = mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)?;
        let mut args = args.iter();
        let Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = args.next() else {
            return Err(no(mac, "`format!` begins with a text"));
        };
        let mut parts = Vec::new();
        for piece in pieces(text)? {
            parts.push(match piece {
                Piece::Text(text) => {
                    let text = LitStr::new(&text, mac.path.span());
                    quote!(#twin::constant(#text))
                }
                Piece::Next => match args.next() {
                    Some(arg) => self.expr(arg)?,
                    None => return Err(no(text, "there are more braces than values")),
                },
                Piece::Name(name) => {
                    let name = Ident::new(&name, text.span());
                    self.path(&syn::parse_quote!(#name))?
                }
            });
        }
        if let Some(arg) = args.next() {
            return Err(no(arg, "there are more values than braces"));
        }
        Ok(quote!(#twin::text_of([#(#parts),*])))
    }
}

/// `….count()`, of which every cast gives the same.
fn is_count(expr: &Expr) -> bool {
    matches!(expr, Expr::MethodCall(call) if call.method == "count")
}

fn operator(op: &BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::Add(_) => "add",
        BinOp::Sub(_) => "sub",
        BinOp::Mul(_) => "mul",
        BinOp::Div(_) => "div",
        BinOp::Rem(_) => "rem",
        BinOp::And(_) => "and",
        BinOp::Or(_) => "or",
        BinOp::Eq(_) => "eq",
        BinOp::Ne(_) => "ne",
        BinOp::Lt(_) => "lt",
        BinOp::Le(_) => "le",
        BinOp::Gt(_) => "gt",
        BinOp::Ge(_) => "ge",
        _ => return None,
    })
}

fn without_parens(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => without_parens(&inner.expr),
        other => other,
    }
}

/// `x`, `&x`, `x: Type`
fn plain_name(pat: &Pat) -> Result<Ident> {
    match pat {
        Pat::Ident(name) if name.subpat.is_none() && name.mutability.is_none() => {
            Ok(name.ident.clone())
        }
        Pat::Type(typed) => plain_name(&typed.pat),
        Pat::Reference(inner) => plain_name(&inner.pat),
        other => Err(no(other, "only a name can stand here")),
    }
}

/// `Some(x)`
fn inside_some(pat: &Pat) -> Result<Ident> {
    match pat {
        Pat::TupleStruct(found) if found.path.is_ident("Some") && found.elems.len() == 1 => {
            plain_name(&found.elems[0])
        }
        Pat::Reference(inner) => inside_some(&inner.pat),
        other => Err(no(other, "of patterns, `Some(name)` alone has a counterpart in SQL")),
    }
}

enum Piece {
    Text(String),
    Next,
    Name(String),
}

fn pieces(text: &LitStr) -> Result<Vec<Piece>> {
    let (value, mut pieces, mut plain) = (text.value(), Vec::new(), String::new());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                plain.push(c);
            }
            '{' => {
                let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(match name.as_str() {
                    "" => Piece::Next,
                    name if syn::parse_str::<Ident>(name).is_ok() => Piece::Name(name.to_owned()),
                    other => {
                        let message = format!(
                            "`{{{other}}}` has no counterpart in SQL: `{{}}` and `{{name}}` have"
                        );
                        return Err(no(text, message));
                    }
                });
            }
            c => plain.push(c),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}
