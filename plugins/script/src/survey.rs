//! What a program uses, read off its tree before it runs: which columns must cross, and mistakes that the engine would meet only
//! at the first entry that gets there.
//!
//! When in doubt a column crosses: `fields` used otherwise than with a name that stands in the program asks for every field.

use std::collections::{BTreeMap, BTreeSet};

use millstream_stage::Setup;
use rhai::{AST, ASTNode, Array, Dynamic, Expr, FnCallExpr, ImmutableString, Map, Position, Stmt};

use crate::fault::{Fault, is_of_entry};
use crate::functions;
use crate::meter::Use;
use crate::row::Kind;
use crate::text::{Patterns, WITH_PATTERN};

/// The columns that a program uses.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) line: bool,
    pub(crate) timestamp: bool,
    pub(crate) labels: bool,
    fields: Names,
    metadata: Names,
    /// Whether it does something more than once: loops, functions, closures.
    pub(crate) repeats: bool,
    /// What the program does to its variables.
    uses: BTreeMap<String, Uses>,
    /// Every name behind a dot.
    pub(crate) properties: BTreeSet<String>,
}

/// How often a variable stands in the program.
#[derive(Debug, Default)]
struct Uses {
    all: usize,
    /// Where only a part is reached, or it is replaced.
    parts: usize,
    compared: usize,
}

/// The columns of one kind.
#[derive(Debug, Default)]
struct Names {
    names: BTreeSet<String>,
    /// How often the variable stands in the program, and how often of those with a name behind it.
    seen: usize,
    named: usize,
}

impl Names {
    fn declare(&self, setup: &mut Setup, one: impl Fn(&mut Setup, &str), every: impl FnOnce(&mut Setup)) {
        if self.seen > self.named {
            every(setup);
        }
        self.names.iter().for_each(|name| one(setup, name));
    }
}

impl Survey {
    /// Reads a program. Fails on the first mistake.
    pub(crate) fn of(program: &AST, patterns: &Patterns) -> Result<Self, Fault> {
        let mut survey = Self::default();
        let mut calls = Vec::new();
        // The program's own functions, and names in its maps, which may be functions too.
        let mut own = BTreeSet::new();
        let mut fault = None;
        program.walk(&mut |path| {
            let found = match path.last() {
                Some(ASTNode::Stmt(statement)) => survey.statement(statement, &mut calls),
                Some(ASTNode::Expr(expression)) => {
                    own.extend(names_of(expression));
                    allow_texts(expression, patterns);
                    survey.expression(expression, &mut calls, patterns)
                }
                _ => Ok(()),
            };
            fault = found.err();
            fault.is_none()
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        survey.repeats |= program.iter_fn_def().next().is_some();
        own.extend(program.iter_fn_def().map(|function| function.name.to_string()));
        for (name, place) in calls.into_iter().filter(|(name, _)| !own.contains(name)) {
            functions::check(&name, &own).map_err(|message| Fault::new(place, message))?;
        }
        idle(program.statements())?;
        strangers(program)?;
        Ok(survey)
    }

    /// Declares the columns.
    pub(crate) fn declare(&self, setup: &mut Setup) {
        if self.line {
            setup.reads_lines();
        }
        if self.timestamp {
            setup.reads_timestamps();
        }
        if self.labels {
            setup.reads_labels();
        }
        self.fields.declare(
            setup,
            |setup, name| {
                setup.reads_field(name);
            },
            |setup| {
                setup.reads_every_field();
            },
        );
        self.metadata.declare(
            setup,
            |setup, name| {
                setup.reads_metadata(name);
            },
            |setup| {
                setup.reads_every_metadata();
            },
        );
    }

    fn statement(&mut self, statement: &Stmt, calls: &mut Vec<(String, Position)>) -> Result<(), Fault> {
        match statement {
            Stmt::FnCall(call, place) => self.call(call, *place, calls),
            Stmt::While(..) | Stmt::Do(..) | Stmt::For(..) => self.repeats = true,
            Stmt::Assignment(assignment) => {
                if let Expr::Variable(variable, _, place) = &assignment.1.lhs {
                    let name = &variable.1;
                    if Kind::of(name).is_some() {
                        let message =
                            format!("`{name}` is no variable: set single values, `{name}.name = …`");
                        return Err(Fault::new(*place, message));
                    }
                    self.used(name).parts += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn expression(
        &mut self,
        expression: &Expr,
        calls: &mut Vec<(String, Position)>,
        patterns: &Patterns,
    ) -> Result<(), Fault> {
        match expression {
            Expr::Variable(variable, ..) => {
                self.used(&variable.1).all += 1;
                match variable.1.as_str() {
                    "line" => self.line = true,
                    "timestamp" => self.timestamp = true,
                    name => self.count(name, |names| names.seen += 1),
                }
            }
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => {
                let index = matches!(expression, Expr::Index(..));
                if let Expr::Variable(variable, ..) = &pair.lhs {
                    if let Expr::MethodCall(call, _) = first(&pair.rhs) {
                        let uses = self.used(&variable.1);
                        uses.compared += usize::from(COMPARING.contains(&call.name.as_str()));
                        uses.parts += usize::from(OF_PARTS.contains(&call.name.as_str()));
                    } else {
                        self.used(&variable.1).parts += 1;
                    }
                    if let Some(name) = name_behind(&pair.rhs, index) {
                        self.name(&variable.1, name);
                    }
                }
                check_pattern(first(&pair.rhs), patterns)?;
            }
            Expr::FnCall(call, place) => {
                self.call(call, *place, calls);
                if COMPARING.contains(&call.name.as_str()) {
                    for argument in &call.args {
                        if let Expr::Variable(variable, ..) = argument {
                            self.used(&variable.1).compared += 1;
                        }
                    }
                }
                // `"name" in fields`
                if let [Expr::Variable(variable, ..), Expr::StringConstant(name, _)] = call.args.as_slice()
                    && call.name == "contains"
                {
                    self.name(&variable.1, name);
                }
                if let [_, Expr::StringConstant(pattern, place), ..] = call.args.as_slice()
                    && WITH_PATTERN.contains(&call.name.as_str())
                {
                    compile(pattern, *place, patterns)?;
                }
            }
            Expr::Property(property, _) => drop(self.properties.insert(property.2.to_string())),
            Expr::MethodCall(call, place) => self.call(call, *place, calls),
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, call: &FnCallExpr, place: Position, calls: &mut Vec<(String, Position)>) {
        if call.op_token.is_none()
            && call
                .name
                .starts_with(|first: char| first.is_alphabetic() || first == '_')
        {
            calls.push((call.name.to_string(), place));
        }
    }

    fn used(&mut self, variable: &str) -> &mut Uses {
        self.uses.entry(variable.to_owned()).or_default()
    }

    /// The variables of which the program uses more than parts.
    pub(crate) fn uses(&self) -> BTreeMap<String, Use> {
        let uses = self.uses.iter().map(|(name, uses)| {
            let used = Use {
                whole: uses.all > uses.parts + uses.compared,
                compared: uses.compared > 0,
            };
            (name.clone(), used)
        });
        uses.filter(|(_, used)| *used != Use::default()).collect()
    }

    fn count(&mut self, variable: &str, count: impl FnOnce(&mut Names)) {
        match Kind::of(variable) {
            Some(Kind::Labels) => self.labels = true,
            Some(Kind::Fields) => count(&mut self.fields),
            Some(Kind::Metadata) => count(&mut self.metadata),
            None => {}
        }
    }

    fn name(&mut self, variable: &str, name: &str) {
        self.count(variable, |names| {
            names.named += 1;
            names.names.insert(name.to_owned());
        });
    }
}

/// The first link of a chain: in `a.b.c` the tree holds `b.c` behind `a`.
fn first(rest: &Expr) -> &Expr {
    match rest {
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => &pair.lhs,
        other => other,
    }
}

/// Functions that reach for a part of what they are called on.
const OF_PARTS: [&str; 10] = [
    "get", "insert", "is_empty", "keys", "len", "pop", "push", "remove", "set", "values",
];

/// Functions and operators that compare items of an array, or may call a function for each.
const COMPARING: [&str; 6] = ["!=", "==", "contains", "dedup", "drain", "index_of"];

/// The name in `variable.name`, `variable["name"]` and `variable.remove("name")`.
fn name_behind(rest: &Expr, index: bool) -> Option<&str> {
    match first(rest) {
        Expr::Property(property, _) if !index => Some(&property.2),
        Expr::StringConstant(name, _) if index => Some(name),
        Expr::MethodCall(call, _) if matches!(call.name.as_str(), "get" | "set" | "remove" | "contains") => {
            match call.args.first() {
                Some(Expr::StringConstant(name, _)) => Some(name),
                _ => None,
            }
        }
        _ => None,
    }
}

fn check_pattern(link: &Expr, patterns: &Patterns) -> Result<(), Fault> {
    if let Expr::MethodCall(call, _) = link
        && WITH_PATTERN.contains(&call.name.as_str())
        && let Some(Expr::StringConstant(pattern, place)) = call.args.first()
    {
        compile(pattern, *place, patterns)?;
    }
    Ok(())
}

fn compile(pattern: &ImmutableString, place: Position, patterns: &Patterns) -> Result<(), Fault> {
    match patterns.compile(pattern) {
        Ok(_) => Ok(()),
        Err(message) => Err(Fault::new(place, message)),
    }
}

/// Tells the texts that stand in the program.
fn allow_texts(expression: &Expr, patterns: &Patterns) {
    match expression {
        Expr::StringConstant(text, _) => patterns.allow(text),
        Expr::DynamicConstant(value, _) => allow_texts_of(value, patterns),
        _ => {}
    }
}

fn allow_texts_of(value: &Dynamic, patterns: &Patterns) {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        patterns.allow(&text);
    } else if let Some(array) = value.read_lock::<Array>() {
        array.iter().for_each(|item| allow_texts_of(item, patterns));
    } else if let Some(map) = value.read_lock::<Map>() {
        map.values().for_each(|item| allow_texts_of(item, patterns));
    }
}

/// The names that an expression gives to values.
fn names_of(expression: &Expr) -> Vec<String> {
    match expression {
        Expr::Property(property, _) => vec![property.2.to_string()],
        Expr::DynamicConstant(value, _) => {
            let map = value.as_map_ref();
            map.into_iter()
                .flat_map(|map| map.keys().map(ToString::to_string).collect::<Vec<_>>())
                .collect()
        }
        Expr::Map(map, _) => map.0.iter().map(|(name, _)| name.name.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// Refuses statements that change nothing: `line.trim();` only computes a text, and `let line = …` makes a second `line`. Not in
/// functions, whose last statement is their answer and whose variables are their own.
fn idle(statements: &[Stmt]) -> Result<(), Fault> {
    for statement in statements {
        match statement {
            Stmt::Var(parts, _, place) if is_of_entry(&parts.0.name) => {
                let name = &parts.0.name;
                let message = format!("this `{name}` is not the entry's: write `{name} = …` without `let`");
                return Err(Fault::new(*place, message));
            }
            Stmt::FnCall(call, place) => effect(call, *place)?,
            Stmt::Expr(expression) => ignored(expression)?,
            Stmt::Block(block) => idle(block.statements())?,
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) | Stmt::TryCatch(flow, _) => {
                idle(flow.body.statements())?;
                idle(flow.branch.statements())?;
            }
            Stmt::For(parts, _) => idle(parts.2.body.statements())?,
            _ => {}
        }
    }
    Ok(())
}

/// Refuses functions that reach for the entry without being given it. Closures are functions too; what they capture is among their
/// parameters.
fn strangers(program: &AST) -> Result<(), Fault> {
    for function in program.iter_fn_def() {
        let (name, arity) = (&function.name, function.params.len());
        let alone =
            program.clone_functions_only_filtered(|_, _, _, other, params| other == name && params == arity);
        let mut known: BTreeSet<String> = function.params.iter().map(ToString::to_string).collect();
        let mut fault = None;
        alone.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Var(parts, ..))) => drop(known.insert(parts.0.name.to_string())),
                Some(ASTNode::Stmt(Stmt::For(parts, _))) => drop(known.insert(parts.0.name.to_string())),
                Some(ASTNode::Expr(Expr::Variable(variable, _, place)))
                    if is_of_entry(&variable.1) && !known.contains(variable.1.as_str()) =>
                {
                    let message = format!("a function sees only what it is given: give it `{}`", variable.1);
                    fault = Some(Fault::new(*place, message));
                }
                _ => {}
            }
            fault.is_none()
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(())
}

fn ignored(expression: &Expr) -> Result<(), Fault> {
    match expression {
        Expr::Dot(pair, ..) => ignored(&pair.rhs),
        Expr::FnCall(call, place) | Expr::MethodCall(call, place) => effect(call, *place),
        _ => Ok(()),
    }
}

fn effect(call: &FnCallExpr, place: Position) -> Result<(), Fault> {
    let name = &call.name;
    if !functions::answers_only(name) {
        return Ok(());
    }
    let message =
        format!("`{name}` changes nothing by itself: use its answer, as in `line = line.{name}(…)`");
    Err(Fault::new(place, message))
}
