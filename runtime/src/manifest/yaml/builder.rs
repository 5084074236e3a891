//! Events → tree.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::{Key, Node, Scalar, Value};
use crate::manifest::error::Problem;
use crate::manifest::place::{Place, Ruler};

/// The most nodes a manifest has once aliases are followed: an alias bomb stops here. A large manifest has a thousand.
const NODES_MAX: usize = 100_000;

/// The deepest nesting: bounds the recursion of everything that walks the tree. A manifest needs about eight.
const DEPTH_MAX: usize = 64;

/// What was read, and what is wrong with it although it is YAML.
pub struct Yaml {
    /// The tree.
    pub root: Node,
    /// Keys that come twice, tags.
    pub problems: Vec<Problem>,
}

/// Reads one YAML document.
///
/// # Errors
/// When the text is not YAML, or more of it than the bounds allow.
pub fn read(text: &str, ruler: &Ruler<'_>) -> Result<Yaml, Problem> {
    let mut builder = Builder {
        ruler,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        nodes: 0,
        problems: Vec::new(),
    };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error, ruler))?;
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                let place = builder.place(&span);
                let fix = "keep one, or give each its own file";
                return Err(Problem::error(
                    place,
                    "the file holds more than one YAML document",
                    fix,
                ));
            }
        }
        builder.take(event, &span)?;
    }
    let nothing = Scalar {
        text: String::new(),
        plain: true,
        expanded: false,
        bytes: 0..0,
    };
    let root = builder.root.unwrap_or(Node {
        place: None,
        value: Value::Scalar(nothing),
    });
    Ok(Yaml {
        root,
        problems: builder.problems,
    })
}

/// A finished node and how deep it goes.
#[derive(Clone)]
struct Built {
    node: Node,
    depth: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    value: Value,
    key: Option<Key>,
    depth: usize,
    anchor: usize,
    start: usize,
    flow: bool,
}

struct Builder<'a> {
    ruler: &'a Ruler<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, (Built, usize)>,
    nodes: usize,
    problems: Vec<Problem>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                let plain = style == ScalarStyle::Plain;
                let bytes = bytes(span);
                let place = Some(self.place(span));
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain,
                    expanded: false,
                    bytes,
                };
                self.finish(
                    Built {
                        node: Node {
                            place,
                            value: Value::Scalar(scalar),
                        },
                        depth: 0,
                    },
                    anchor,
                    span,
                )
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.enter(Value::List(Vec::new()), style, anchor, span)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.enter(Value::Map(Vec::new()), style, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(span),
            Event::Alias(anchor) => {
                let Some((built, size)) = self.anchors.get(&anchor) else {
                    let fix = "write the value out";
                    return Err(Problem::error(
                        self.place(span),
                        "an alias stands inside what it names",
                        fix,
                    ));
                };
                let (mut built, size) = (built.clone(), *size);
                self.count(size, span)?;
                built.node.place = Some(self.place(span));
                self.attach(built, span)
            }
            _ => Ok(()),
        }
    }

    fn enter(
        &mut self,
        value: Value,
        style: StructureStyle,
        anchor: usize,
        span: &Span,
    ) -> Result<(), Problem> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.too_deep(span));
        }
        let start = bytes(span).start;
        let flow = style == StructureStyle::Flow;
        self.open.push(Open {
            value,
            key: None,
            depth: 0,
            anchor,
            start,
            flow,
        });
        Ok(())
    }

    fn leave(&mut self, span: &Span) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let place = open
            .flow
            .then(|| self.ruler.place(&(open.start..bytes(span).end)));
        let value = match open.value {
            Value::Map(entries) => Value::Map(self.merged(entries)),
            other => other,
        };
        self.finish(
            Built {
                node: Node { place, value },
                depth: open.depth + 1,
            },
            open.anchor,
            span,
        )
    }

    /// Remembers an anchored node and puts it where it belongs.
    fn finish(&mut self, built: Built, anchor: usize, span: &Span) -> Result<(), Problem> {
        self.count(1, span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, (built.clone(), size(&built.node)));
        }
        self.attach(built, span)
    }

    fn attach(&mut self, built: Built, span: &Span) -> Result<(), Problem> {
        if self.open.len() + built.depth > DEPTH_MAX {
            return Err(self.too_deep(span));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(built.node);
            return Ok(());
        };
        open.depth = open.depth.max(built.depth);
        match &mut open.value {
            Value::List(items) => items.push(built.node),
            Value::Map(entries) => match open.key.take() {
                Some(key) => entries.push((key, built.node)),
                None => match built.node.value {
                    Value::Scalar(scalar) => {
                        let place = built.node.place.unwrap_or_default();
                        open.key = Some(Key {
                            name: scalar.text,
                            place,
                        });
                    }
                    Value::List(_) | Value::Map(_) => {
                        let place = self.place(span);
                        return Err(Problem::error(
                            place,
                            "a key is a list or a map",
                            "keys are plain text",
                        ));
                    }
                },
            },
            Value::Scalar(_) => {}
        }
        Ok(())
    }

    /// The entries with `<<` replaced by what it names, and of keys that come twice the first.
    fn merged(&mut self, entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
        let mut own: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        let mut inherited = Vec::new();
        for (key, node) in entries {
            if key.name == "<<" {
                match node.value {
                    Value::Map(entries) => inherited.extend(entries),
                    Value::List(maps) => inherited.extend(maps.iter().flat_map(|map| map.entries().to_vec())),
                    Value::Scalar(_) => {
                        let fix = "give it an alias: `<<: *name`";
                        self.problems
                            .push(Problem::error(key.place, "`<<` takes a map", fix));
                    }
                }
            } else if let Some((first, _)) = own.iter().find(|(other, _)| other.name == key.name) {
                let message = format!("key `{}` comes twice", key.name);
                let fix = format!("it is already on line {}; keep one", first.place.line);
                self.problems.push(Problem::error(key.place, message, fix));
            } else {
                own.push((key, node));
            }
        }
        for (key, node) in inherited {
            if own.iter().all(|(other, _)| other.name != key.name) {
                own.push((key, node));
            }
        }
        own
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > NODES_MAX {
            let message = format!("the manifest has more than {NODES_MAX} values");
            return Err(Problem::error(
                self.place(span),
                message,
                "use fewer aliases of aliases",
            ));
        }
        Ok(())
    }

    fn too_deep(&self, span: &Span) -> Problem {
        let message = format!("the manifest is nested more than {DEPTH_MAX} deep");
        Problem::error(self.place(span), message, "")
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, span: &Span) {
        let Some(tag) = tag else { return };
        let place = span
            .tag_span()
            .map_or_else(|| self.place(span), |tag| self.place(&tag));
        let fix = "leave it away; environment variables are written `${env:NAME}`";
        self.problems.push(Problem::error(
            place,
            format!("the tag `{}` means nothing here", tag.original()),
            fix,
        ));
    }

    fn place(&self, span: &Span) -> Place {
        self.ruler.place(&bytes(span))
    }
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
    }
}

/// A syntax error. The parser's words are kept where they help; where its users stumble most, ours say what to do.
fn syntax(error: &ScanError, ruler: &Ruler<'_>) -> Problem {
    let start = error.marker().byte_offset().unwrap_or_default();
    let fix = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => "indent with spaces",
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            r"in double quotes `\` begins an escape; write regular expressions in single quotes: '\d+'"
        }
        ErrorKind::UnclosedQuotedScalar => {
            "close the quote; inside single quotes a quote is written twice: ''"
        }
        ErrorKind::MappingValueNotAllowed => {
            "put text that contains `: ` in quotes, and check the indentation"
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => "close the bracket",
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            "between brackets, separate with `,`, and put text that holds `,` or brackets in quotes, as `\"${env:NAME}\"`"
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidIndentation => "keys of one map begin in the same column, as `key: value`",
        ErrorKind::InvalidColonPlacement => "close the bracket or quote before it",
        ErrorKind::UnknownAnchor => {
            "an alias `*name` needs an anchor `&name` before it; put text with `*` in quotes"
        }
        ErrorKind::UnexpectedCharacter { .. } => "put text that begins with this character in quotes",
        _ => "",
    };
    let place = Place {
        width: 1,
        ..ruler.place(&(start..start))
    };
    Problem::error(place, format!("this is not YAML: {}", error.info()), fix)
}
