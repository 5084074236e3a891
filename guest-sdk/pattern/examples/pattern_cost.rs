//! What a pattern costs per line, with its plan and with the regex engine alone:
//!
//! ```text
//! cargo run --release -p millstream-pattern --example pattern_cost [FILE]
//! ```
//!
//! Without a file it runs on lines in the shape of Spring Boot's. Both ways must give the same answers on every
//! line, or it fails.

#![expect(clippy::print_stdout, reason = "the figures are its purpose")]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it measures real time"
)]

use millstream_pattern::Pattern;
use std::time::Instant;

/// Many short rounds: the best one fell between two interruptions, whatever else the machine does.
const ROUNDS: usize = 300;
const LINES_A_ROUND: usize = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?,
        None => spring_lines(20_000),
    };
    let lines: Vec<&str> = text.lines().collect();
    println!(
        "{} lines of {} bytes",
        lines.len(),
        text.len() / lines.len().max(1)
    );
    println!(
        "{:>7} {:>7} {:>7} {:>7}  ns per line",
        "match", "regex", "groups", "regex"
    );
    for expression in [
        ".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*",
        "(?P<level>INFO|WARN|ERROR|DEBUG|TRACE)",
        r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}",
        r"^(?P<date>\d{4}-\d{2}-\d{2}) (?P<rest>.*)$",
        "orderId=(?P<order>[0-9]+)",
        "retry",
        r"^\[",
    ] {
        let planned = Pattern::new(expression)?;
        let plain = Pattern::without_plan(expression)?;
        compare(&planned, &plain, &lines)?;
        let some = &lines[..lines.len().min(LINES_A_ROUND)];
        println!(
            "{:7.1} {:7.1} {:7.1} {:7.1}  {expression}",
            matching(&planned, some),
            matching(&plain, some),
            capturing(&planned, some),
            capturing(&plain, some),
        );
    }
    Ok(())
}

fn compare(planned: &Pattern, plain: &Pattern, lines: &[&str]) -> Result<(), String> {
    let (mut slots, mut plain_slots) = (planned.slots(), plain.slots());
    let groups = 0..planned.group_names().len();
    for line in lines {
        let found = planned.captures(line, &mut slots);
        let same = found == plain.captures(line, &mut plain_slots)
            && found == planned.is_match(line)
            && (!found
                || groups
                    .clone()
                    .all(|group| slots.get(group) == plain_slots.get(group)));
        if !same {
            return Err(format!(
                "{}: the plan answers differently on {line:?}",
                planned.expression()
            ));
        }
    }
    Ok(())
}

fn matching(pattern: &Pattern, lines: &[&str]) -> f64 {
    best(lines.len(), || {
        lines.iter().filter(|line| pattern.is_match(line)).count()
    })
}

fn capturing(pattern: &Pattern, lines: &[&str]) -> f64 {
    let mut slots = pattern.slots();
    best(lines.len(), || {
        let mut sum = 0;
        for line in lines {
            if pattern.captures(line, &mut slots) {
                sum += slots.get(0).map_or(1, |span| span.start);
            }
        }
        sum
    })
}

/// The best of some rounds, in nanoseconds per line.
fn best(lines: usize, mut round: impl FnMut() -> usize) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        std::hint::black_box(round());
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::MAX, f64::min) * 1e9 / lines.max(1) as f64
}

fn spring_lines(count: usize) -> String {
    let levels = ["INFO ", "DEBUG", "WARN ", "TRACE", "INFO ", "ERROR"];
    let messages = [
        "lock acquired key=seat:1:1 ttl=300s owner=1",
        "GET /api/v1/shows/3/seats?page=3 200 3ms",
        "예매 요청 수신 orderId=4 userId=4 seat=A-4",
        "payment slow 2ms, retry 2 of 3, previous status was ERROR code=2",
        "HikariPool-1 - Pool stats (total=10, active=2, idle=8, waiting=0)",
    ];
    let mut text = String::new();
    for i in 0..count {
        if i % 50 == 49 {
            text.push_str("\tat c.t.order.OrderService.reserve(OrderService.java:42)\n");
            continue;
        }
        let (level, message) = (levels[i % levels.len()], messages[i % messages.len()]);
        let (minute, second, milli) = (i / 60_000 % 60, i / 1000 % 60, i % 1000);
        text.push_str(&format!(
            "2026-01-08 00:{minute:02}:{second:02}.{milli:03}  {level} 1 --- [nio-8080-exec-{}] c.t.order.OrderService                   : {message}\n",
            i % 10
        ));
    }
    text
}
