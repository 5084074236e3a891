//! A plot as SVG: one number across, in powers, and a panel with a line per value.
//!
//! Drawn by hand: two lines with a few points each need no library, and a file that changes only with its figures can be read in a diff.

use std::fmt::Write as _;

/// A panel's size, and the room around its line.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;

/// A line with its name: points as (number, value), ascending.
pub type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// The plot. Values begin at zero, so that a slope looks as steep as it is.
#[must_use]
pub fn svg(across: &str, lines: &[Line<'_>]) -> String {
    let panel = HEIGHT + TOP + BOTTOM;
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let height = panel * lines.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut top = TOP;
    for (name, points) in lines {
        draw(&mut out, across, name, points, top);
        top += panel;
    }
    out.push_str("</svg>\n");
    out
}

fn draw(out: &mut String, across: &str, name: &str, points: &[(f64, f64)], top: f64) {
    let most = points.iter().fold(1.0_f64, |most, (_, value)| most.max(*value)) * 1.1;
    let (first, last) = (
        points.first().map_or(1.0, |point| point.0).max(1.0).ln(),
        points.last().map_or(1.0, |point| point.0).max(1.0).ln(),
    );
    let span = (last - first).max(f64::MIN_POSITIVE);
    let place = |at: f64, value: f64| {
        (
            LEFT + (at.max(1.0).ln() - first) / span * (WIDTH - LEFT * 2.0),
            top + HEIGHT - value / most * HEIGHT,
        )
    };
    let bottom = top + HEIGHT;
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"bold\">{name}</text>\n\
         <path d=\"M{LEFT} {top} V{bottom} H{:.0}\" fill=\"none\" stroke=\"black\"/>",
        top - 10.0,
        WIDTH - LEFT
    );
    let path: Vec<String> = points
        .iter()
        .map(|(at, value)| place(*at, *value))
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"steelblue\" stroke-width=\"2\"/>",
        path.join(" ")
    );
    for (at, value) in points {
        let (x, y) = place(*at, *value);
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"steelblue\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value:.0}</text>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{at:.0}</text>",
            y - 8.0,
            bottom + 16.0
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{across}</text>",
        WIDTH - LEFT,
        bottom + 32.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_value_is_at_the_bottom_and_the_numbers_are_written() {
        let plot = svg("files", &[("MB", vec![(1.0, 0.0), (10.0, 50.0), (100.0, 100.0)])]);
        assert!(
            plot.contains("points=\"60.0,230.0 320.0,139.1 580.0,48.2\""),
            "{plot}"
        );
        assert!(plot.contains(">100</text>") && plot.contains(">files</text>"));
    }
}
