//! The functions a program can call, by name.
//!
//! The engine looks a function up when it is called, so a slip of the hand would show at the first entry that gets there. It tells its
//! functions only when built with `metadata`, which would cost the component more than this list does.

use std::collections::BTreeSet;

/// Functions of the engine, of its packages that are loaded, and ours; sorted. From `Engine::gen_fn_signatures` of Rhai 1.27, and
/// the engine's keywords that are called like functions. Without what makes much of little in one step, or calls functions for items
/// and is not in [`each`](crate::each).
#[rustfmt::skip]
pub(crate) const NAMES: &[&str] = &[
    "E", "Fn", "PI", "abs", "acos", "acosh", "all", "append", "asin", "asinh", "atan", "atanh", "bits",
    "bytes", "call", "captures", "ceiling", "chars", "chop", "clear", "contains", "cos", "cosh", "crop",
    "curry", "debug", "dedup", "drain", "drop", "end", "ends_with", "exp",
    "filter", "find", "floor", "fraction", "get", "hypot", "index_of", "insert",
    "int", "is_anonymous", "is_def_fn", "is_def_var", "is_empty", "is_even", "is_exclusive", "is_finite",
    "is_inclusive", "is_infinite", "is_nan", "is_odd", "is_shared", "is_zero", "keys", "len", "ln", "log",
    "make_lower", "make_upper", "map", "matches", "max", "min", "mixin", "name", "order", "order_by",
    "order_desc", "parse_float", "parse_int", "parse_json", "pop", "print", "push", "range",
    "reduce", "remove", "replace", "replace_matches", "reverse", "round", "set",
    "shift", "sign", "sin", "sinh", "some", "sort", "sort_by", "sort_desc", "split",
    "split_rev", "sqrt", "start", "starts_with", "sub_string", "tan", "tanh", "to_binary", "to_blob",
    "to_chars", "to_debug", "to_degrees", "to_float", "to_hex", "to_int", "to_json", "to_lower", "to_map",
    "to_octal", "to_radians", "to_string", "to_upper", "trim", "trim_end", "trim_start", "truncate",
    "type_of", "values",
];

/// Functions that answer something and change nothing, whose use for an effect is probably a mistake; sorted.
const ANSWERS_ONLY: [&str; 15] = [
    "captures",
    "contains",
    "ends_with",
    "index_of",
    "matches",
    "parse_json",
    "replace",
    "replace_matches",
    "starts_with",
    "sub_string",
    "to_lower",
    "to_upper",
    "trim",
    "trim_end",
    "trim_start",
];

/// How much of a name may be wrong for another to be suggested.
const SIMILAR: f64 = 0.7;

/// Refuses a name that is neither here nor among the program's `own`.
pub(crate) fn check(name: &str, own: &BTreeSet<String>) -> Result<(), String> {
    if NAMES.binary_search(&name).is_ok() || own.contains(name) {
        return Ok(());
    }
    let known = NAMES.iter().copied().chain(own.iter().map(String::as_str));
    let nearest = known
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .filter(|(similar, _)| *similar >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((_, nearest)) => Err(format!(
            "there is no function `{name}`: did you mean `{nearest}`?"
        )),
        None => Err(format!("there is no function `{name}`")),
    }
}

/// Whether a call of `name` as a statement does nothing.
pub(crate) fn answers_only(name: &str) -> bool {
    ANSWERS_ONLY.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(NAMES.is_sorted() && ANSWERS_ONLY.is_sorted());
        assert!(ANSWERS_ONLY.iter().all(|name| NAMES.contains(name)));
    }
}
