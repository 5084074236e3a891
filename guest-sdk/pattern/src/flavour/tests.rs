use super::translate;
use crate::Pattern;

#[test]
fn rewrites_what_the_two_grammars_read_differently() {
    let cases = [
        (r"\d\D", "[0-9][^0-9]"),
        (r"\s", r"[\t\n\x0C\r\x20]"),
        (r"[\d\W-]", r"[0-9[^0-9A-Za-z_]\-]"),
        (r"\bx\B", r"(?-u:\b)x(?-u:\B)"),
        (r"\Qa.b\E+", r"a\.b+"),
        (r"\Qa\", r"a\\"),
        ("(?P<a>x)(?<b>y)(z)", "(x)(y)(z)"),
        (r"\101\0", r"A\x{0}"),
        (r"\<x\>", "<x>"),
        ("a{,2}{b}", r"a\{,2\}\{b\}"),
        ("a{2,}?", "a{2,}?"),
        ("[]a]", r"[\]a]"),
        ("[[a&&b]", r"[\[a\&\&b]"),
        ("[[:alpha:][:^digit:]]", "[[:alpha:][:^digit:]]"),
        ("[[:a]", r"[\[:a]"),
        (r"[a-c\-x-]", r"[a-c\-x\-]"),
        (r"\p{^Greek}\PL", r"\P{Greek}\P{L}"),
        (r"[\x{1F600}-\x{1F64F}\n]", "[😀-🙏\\x{A}]"),
        ("(?i:a)(?s-m)b", "(?i:a)(?s-m)b"),
    ];
    for (source, expected) in cases {
        let rewritten = translate(source).map(|translated| translated.regex);
        assert_eq!(rewritten.as_deref(), Ok(expected), "{source}");
        assert!(
            Pattern::new(source).is_ok(),
            "{source}: {:?}",
            Pattern::new(source).err()
        );
    }
}

#[test]
fn refuses_with_the_place_and_the_reason() {
    let cases = [
        ("ab(?=c)", 2, "look-ahead `(?=` is not in RE2"),
        ("(?<!x)", 0, "look-behind `(?<!` is not in RE2"),
        (
            "(?P<ts[0-9]+).*",
            4,
            "a group name is letters, digits and `_`, closed by `>`",
        ),
        (
            "(?x)a",
            2,
            "an unknown group: the flags are `i`, `m`, `s`, `U`, a name goes in `(?P<name>…)`",
        ),
        (r"(a)\1", 3, "back-references are not in RE2"),
        (
            r"a\Z",
            1,
            "`\\Z` is not in RE2; the end of the text is `\\z` or `$`",
        ),
        (r"\h", 0, "`\\h` is not in RE2"),
        (r"[a\h]", 2, "`\\h` is not in RE2"),
        ("a*+", 2, "a repetition of a repetition"),
        ("a{2}{3}", 4, "a repetition of a repetition"),
        ("x[a", 1, "a `[` without its `]`"),
        ("[z-a]", 1, "the range `z-a` runs backwards"),
        ("[[:alfa:]]", 1, "`[:alfa:]` is no character class"),
        (r"a\", 1, "a `\\` at the end"),
        (r"é\d(", 4, "unclosed group"),
        (r"\d\d*|*", 6, "repetition operator missing expression"),
        (r"\p{Nonsense}", 0, "Unicode property not found"),
        (
            r"\x{110000}",
            0,
            "`\\x` takes two hexadecimal digits, or `{…}` with a character's number",
        ),
    ];
    for (source, offset, reason) in cases {
        let error = Pattern::new(source).expect_err(source);
        assert_eq!((error.offset(), error.reason()), (offset, reason), "{source}");
    }
    let shown = Pattern::new("ab(?=c)").expect_err("look-ahead").to_string();
    assert_eq!(
        shown,
        "look-ahead `(?=` is not in RE2 at byte 2 of `ab(?=c)`, from `(?=c)` on"
    );
}
