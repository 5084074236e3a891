//! What a program uses, read off its tree before it runs: which columns must cross, and mistakes that the engine would meet only
//! at the first entry that gets there.
//!
//! When in doubt a column crosses: `fields` used otherwise than with a name that stands in the program asks for every field.

use std::collections::BTreeSet;

use millstream_stage::Setup;
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use crate::fault::{Fault, is_of_entry};
use crate::functions;
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
    /// Every name behind a dot.
    pub(crate) properties: BTreeSet<String>,
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
    fn declare(&self, mut one: impl FnMut(&str), every: impl FnOnce()) {
        if self.seen > self.named {
            every();
        }
        self.names.iter().for_each(|name| one(name));
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
        own.extend(program.iter_fn_def().map(|function| function.name.to_string()));
        for (name, place) in calls.into_iter().filter(|(name, _)| !own.contains(name)) {
            functions::check(&name, &own).map_err(|message| Fault::new(place, message))?;
        }
        unused(program.statements())?;
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
        let setup = std::cell::RefCell::new(setup);
        self.fields.declare(
            |name| drop(setup.borrow_mut().reads_field(name)),
            || drop(setup.borrow_mut().reads_every_field()),
        );
        self.metadata.declare(
            |name| drop(setup.borrow_mut().reads_metadata(name)),
            || drop(setup.borrow_mut().reads_every_metadata()),
        );
    }

    fn statement(&mut self, statement: &Stmt, calls: &mut Vec<(String, Position)>) -> Result<(), Fault> {
        match statement {
            Stmt::FnCall(call, place) => self.call(call, *place, calls),
            Stmt::Assignment(assignment) => {
                if let Expr::Variable(variable, _, place) = &assignment.1.lhs
                    && Kind::of(&variable.1).is_some()
                {
                    let name = &variable.1;
                    let message = format!("`{name}` is no variable: set single values, `{name}.name = …`");
                    return Err(Fault::new(*place, message));
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
            Expr::Variable(variable, ..) => match variable.1.as_str() {
                "line" => self.line = true,
                "timestamp" => self.timestamp = true,
                name => self.count(name, |names| names.seen += 1),
            },
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => {
                let index = matches!(expression, Expr::Index(..));
                if let Expr::Variable(variable, ..) = &pair.lhs
                    && let Some(name) = name_behind(&pair.rhs, index)
                {
                    self.name(&variable.1, name);
                }
                check_pattern(first(&pair.rhs), patterns)?;
            }
            Expr::FnCall(call, place) => {
                self.call(call, *place, calls);
                // `"name" in fields`
                if let [Expr::Variable(variable, ..), Expr::StringConstant(name, _)] = call.args.as_slice()
                    && call.name == "contains"
                {
                    self.name(&variable.1, name);
                }
                if let [_, Expr::StringConstant(pattern, place), ..] = call.args.as_slice()
                    && WITH_PATTERN.contains(&call.name.as_str())
                {
                    patterns
                        .get(pattern)
                        .map_err(|message| Fault::new(*place, message))?;
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
        patterns
            .get(pattern)
            .map_err(|message| Fault::new(*place, message))?;
    }
    Ok(())
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

/// Refuses statements that only compute a text: `line.trim();` changes nothing. Not in functions, whose last statement is
/// their answer.
fn unused(statements: &[Stmt]) -> Result<(), Fault> {
    for statement in statements {
        match statement {
            Stmt::FnCall(call, place) => effect(call, *place)?,
            Stmt::Expr(expression) => ignored(expression)?,
            Stmt::Block(block) => unused(block.statements())?,
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) | Stmt::TryCatch(flow, _) => {
                unused(flow.body.statements())?;
                unused(flow.branch.statements())?;
            }
            Stmt::For(parts, _) => unused(parts.2.body.statements())?,
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
