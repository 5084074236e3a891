//! A JMESPath expression, and the short way for plain paths.
//!
//! Nearly every expression in use is a key or a path (`a`, `a.b`, `a[0].b`). Those are walked directly; the full
//! language, with its own copy of the document per search, is for the rest.

use std::borrow::Cow;

use jmespath::ast::Ast;
use serde_json::Value;

use crate::document::Document;

/// A compiled expression.
#[derive(Debug)]
pub(crate) enum Expression {
    /// A top-level key and the steps from there.
    Path { key: String, steps: Vec<Step> },
    /// Anything else.
    Query(jmespath::Expression<'static>),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    /// From the end where negative.
    Index(i32),
}

impl Expression {
    /// Compiles the text, or says what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let query = jmespath::compile(text).map_err(|error| format!("not a JMESPath expression: {error}"))?;
        let mut steps = Vec::new();
        if push_steps(query.as_ast(), &mut steps)
            && let Some(Step::Key(key)) = steps.first().cloned()
        {
            steps.remove(0);
            return Ok(Self::Path { key, steps });
        }
        Ok(Self::Query(query))
    }

    /// The top-level key a path starts with; none where the whole document is needed.
    pub(crate) fn first_key(&self) -> Option<&str> {
        match self {
            Self::Path { key, .. } => Some(key),
            Self::Query(_) => None,
        }
    }

    /// What the expression finds: null when nothing, none when it cannot be evaluated on this document.
    pub(crate) fn search<'d>(&self, document: &'d Document, place: usize) -> Option<Cow<'d, Value>> {
        match self {
            Self::Path { key, steps } => {
                let found = document.get(place, key).and_then(|value| walk(value, steps));
                Some(found.map_or(Cow::Owned(Value::Null), Cow::Borrowed))
            }
            Self::Query(query) => {
                let found = query.search(document.whole()?).ok()?;
                serde_json::to_value(&*found).ok().map(Cow::Owned)
            }
        }
    }
}

fn walk<'v>(mut value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    for step in steps {
        value = match step {
            Step::Key(key) => value.as_object()?.get(key)?,
            Step::Index(index) => {
                let array = value.as_array()?;
                let index = match usize::try_from(*index) {
                    Ok(index) => index,
                    Err(_) => array.len().checked_sub(index.unsigned_abs() as usize)?,
                };
                array.get(index)?
            }
        };
    }
    Some(value)
}

/// Appends the steps of a plain path; false when it is not one.
fn push_steps(ast: &Ast, steps: &mut Vec<Step>) -> bool {
    match ast {
        Ast::Field { name, .. } => {
            steps.push(Step::Key(name.clone()));
            true
        }
        Ast::Index { idx, .. } => {
            steps.push(Step::Index(*idx));
            true
        }
        Ast::Subexpr { lhs, rhs, .. } => push_steps(lhs, steps) && push_steps(rhs, steps),
        _ => false,
    }
}
