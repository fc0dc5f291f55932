//! Figures from outside: what is in them, and what is refused.

use std::f64::consts::PI;
use std::fs;
use std::io::Cursor;

use wengert::error::ErrorKind;
use wengert::plot::{Chart, Contours, Figure, Graph, Histogram, Panels, Surface};
use wengert::prelude::*;

const NOWHERE: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// The values of an attribute of all elements with a name.
fn attributes(svg: &str, element: &str, name: &str) -> Vec<String> {
    let elements = svg.split('<').filter(|text| text.split(' ').next() == Some(element));
    let value = |text: &str| Some(text.split_once(&format!(" {name}=\""))?.1.split('"').next()?.to_string());
    elements.filter_map(value).collect()
}

/// The texts of a document.
fn texts(svg: &str) -> Vec<&str> {
    let text = |part: &'_ str| part.find('>').map(|end| end + 1);
    svg.split("<text")
        .skip(1)
        .filter_map(|part| Some(part[text(part)?..].split('<').next()?.trim()))
        .collect()
}

/// The corners of every line and area, in fine units, of which a unit of the figure has four.
fn corners(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let point = |text: &str| {
        let (x, y) = text.split_once(',').expect("x,y");
        (x.parse().expect("a number"), y.parse().expect("a number"))
    };
    let all = ["polyline", "polygon"].map(|element| attributes(svg, element, "points")).concat();
    all.iter().map(|points| points.split_whitespace().map(point).collect()).collect()
}

fn message(figure: &impl Figure) -> String {
    let error = figure.to_svg().expect_err("a figure that cannot be drawn");
    assert_eq!((error.kind(), error.op()), (ErrorKind::Value, "plot"));
    assert_eq!(figure.to_png().expect_err("nor as a bitmap"), error);
    error.to_string()
}

#[test]
fn a_line_has_its_points_and_a_chart_its_labels() {
    let points = [(0.0, 1.0), (1.0, 4.0), (2.0, 2.0), (3.0, 8.0), (4.0, 5.0)];
    let svg = Chart::new("A <title> & more")
        .caption("what it is")
        .axes("step", "loss")
        .line("zigzag", points)
        .to_svg()
        .unwrap();
    for text in ["A &lt;title&gt; &amp; more", "what it is", "step", "loss", "zigzag"] {
        assert!(texts(&svg).contains(&text), "{text} in {:?}", texts(&svg));
    }
    let lines = corners(&svg);
    let line =
        lines.iter().find(|line| line.len() == points.len() && line[0].1 > line[1].1).expect("the line");
    // The axes are linear: equal steps to the right, and heights in proportion.
    let steps: Vec<f64> = line.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(steps.iter().all(|step| (step - steps[0]).abs() <= 1.0), "{steps:?}");
    let slope = (line[1].1 - line[0].1) / 3.0;
    assert!((line[3].1 - line[0].1 - 7.0 * slope).abs() <= 3.0, "{line:?}");
}

#[test]
fn nothing_is_drawn_beyond_the_edge() {
    let wild = (0..50).map(|i| (f64::from(i), (-3f64).powi(i)));
    let chart = Chart::new("Diverging").path("wild", wild).view(0.0..20.0, -5.0..5.0).size([500, 400]);
    let contours =
        Contours::new("Leaving", -1.0..1.0, -1.0..1.0, |x, y| x * y).path("p", [(0.0, 0.0), (9.0, 5.0)]);
    let surface = Surface::new("Bowl", -1.0..1.0, -1.0..1.0, |x, y| x * x + y * y).up_to(1.0);
    for (svg, [width, height]) in [
        (chart.to_svg().unwrap(), [500.0, 400.0]),
        (contours.size([500, 400]).to_svg().unwrap(), [500.0, 400.0]),
        (surface.size([500, 400]).to_svg().unwrap(), [500.0, 400.0]),
    ] {
        let inside =
            |&(x, y): &(f64, f64)| (0.0..=4.0 * width).contains(&x) && (0.0..=4.0 * height).contains(&y);
        assert!(corners(&svg).iter().flatten().all(inside));
    }
}

#[test]
fn a_path_is_marked_at_each_point_and_twice_at_its_ends() {
    let circle = |n: i32| (0..n).map(move |i| (2.0 * PI * f64::from(i) / f64::from(n)).sin_cos());
    let discs =
        |n: i32| attributes(&Chart::new("").path("", circle(n)).to_svg().unwrap(), "circle", "r").len();
    // Two discs make the ring at the start, a white one and a large mark the end.
    assert_eq!((discs(10), discs(60), discs(61)), (14, 64, 4));
}

#[test]
fn contours_are_where_the_function_has_their_level() {
    let svg = Contours::new("Circles", -1.0..1.0, -1.0..1.0, |x, y| x * x + y * y)
        .levels([0.25, 0.64])
        .size([600, 600])
        .to_svg()
        .unwrap();
    assert!(texts(&svg).contains(&"0.25") && texts(&svg).contains(&"0.64"));
    let mut circles: Vec<Vec<(f64, f64)>> =
        corners(&svg).into_iter().filter(|line| line.len() > 50).collect();
    assert_eq!(circles.len(), 2);
    circles.sort_by_key(Vec::len);
    let width = |line: &[(f64, f64)]| {
        let across = || line.iter().map(|point| point.0);
        across().fold(f64::MIN, f64::max) - across().fold(f64::MAX, f64::min)
    };
    let ratio = width(&circles[0]) / width(&circles[1]);
    assert!((ratio - 0.5 / 0.8).abs() < 0.005, "{ratio}");
}

#[test]
fn numbers_of_contours_keep_off_the_lines_of_paths() {
    // The level is a line across the middle. Its middle is the place furthest from the path's two points, and on the path.
    let svg = Contours::new("", -1.0..1.0, -1.0..1.0, |_, y| y)
        .levels([0.001])
        .path("", [(0.0, -0.9), (0.0, 0.9)])
        .size([600, 600])
        .to_svg()
        .unwrap();
    let number = texts(&svg).iter().position(|text| *text == "0.001").expect("a number");
    let place: f64 = attributes(&svg, "text", "x")[number].parse().unwrap();
    let is_path =
        |line: &Vec<(f64, f64)>| line.len() == 2 && (1500.0..2000.0).contains(&(line[0].1 - line[1].1));
    let path = corners(&svg).into_iter().find(is_path).expect("the path")[0].0;
    assert!((place - path).abs() > 100.0, "the number is at {place} and the path at {path}");
}

#[test]
fn panels_are_the_same_figures_in_other_places() {
    let panel = || Chart::new("").line("", [(0.0, 1.0), (1.0, 3.0), (2.0, 0.0)]).size([300, 200]);
    let alone = corners(&panel().to_svg().unwrap());
    let svg = Panels::new("", 2).panel(panel()).panel(panel()).panel(panel()).to_svg().unwrap();
    let all = corners(&svg);
    assert_eq!(all.len(), 3 * alone.len());
    for (moved, (dx, dy)) in [(0.0, 0.0), (1200.0, 0.0), (0.0, 800.0)].into_iter().enumerate() {
        for line in &alone {
            let there: Vec<(f64, f64)> = line.iter().map(|(x, y)| (x + dx, y + dy)).collect();
            assert!(all.contains(&there), "panel {moved} lacks {there:?}");
        }
    }
}

#[test]
fn a_histogram_has_a_bar_for_each_bin_that_is_not_empty() {
    let histogram = Histogram::new("", 0.0..4.0, 4).series("", [0.5, 1.5, 1.6, 3.0, -7.0]);
    assert_eq!(histogram.counts(0), [2, 2, 0, 1]);
    let svg = histogram.to_svg().unwrap();
    let bars: Vec<f64> =
        corners(&svg).iter().filter(|bar| bar.len() == 4).map(|bar| (bar[0].1 - bar[2].1).abs()).collect();
    assert_eq!(bars.len(), 3);
    assert!((bars[0] - 2.0 * bars[2]).abs() <= 2.0 && bars[0] == bars[1], "{bars:?}");
}

#[test]
fn a_surface_ends_at_its_ceiling() {
    let bowl = || Surface::new("", -1.0..1.0, -1.0..1.0, |x, y| x * x + y * y).view(0.0, 0.0);
    let cells = |svg: &str| attributes(svg, "polygon", "points").len();
    let (whole, cut) = (bowl().to_svg().unwrap(), bowl().up_to(0.5).to_svg().unwrap());
    assert_eq!(cells(&whole), 40 * 40);
    // A disc of radius sqrt(1/2) in a square of side 2 has the share pi / 8, and cells at the rim are cut.
    let share = cells(&cut) as f64 / cells(&whole) as f64;
    assert!((share - PI / 8.0).abs() < 0.04, "{share}");
    assert!(texts(&whole).contains(&"2.0") && !texts(&cut).contains(&"2.0"));
}

#[test]
fn a_graph_has_a_box_for_each_node_and_an_arrow_for_each_input() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([1.0, 2.0]));
    let _y = (x * x).sum() + x.exp().sum();
    let svg = Graph::new("", &tape).to_svg().unwrap();
    let inputs = tape.graphviz().to_string().matches("->").count();
    // An area a box and an area an arrow.
    assert_eq!(attributes(&svg, "polygon", "points").len(), tape.len() + inputs);
    for text in ["%0 variable", "%1 mul", "f64[2]", "f64[]"] {
        assert!(texts(&svg).contains(&text), "{text} in {:?}", texts(&svg));
    }
}

#[test]
fn a_bitmap_shows_the_line_and_text_without_fonts_of_the_system() {
    let file = Chart::new("MMMMMMMM").line("", [(0.0, 0.0), (1.0, 1.0)]).size([300, 200]).to_png().unwrap();
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (600, 400));
    let count = |rows: std::ops::Range<usize>, color: [u8; 3]| {
        pixels[rows.start * 1800..rows.end * 1800].chunks_exact(3).filter(|pixel| **pixel == color).count()
    };
    // The diagonal of the axes is longer than 300 pixels, and the line 4 wide.
    assert!(count(0..400, [0, 114, 178]) > 1000);
    assert!(count(0..66, [0, 0, 0]) > 300, "black of the title");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    assert_eq!(message(&Chart::new("")), "plot: expected at least one line, got none");
    let empty = Chart::new("").line("loss", []);
    assert_eq!(message(&empty), "plot: expected at least one point, got none for loss");
    for x in NOWHERE {
        assert!(
            message(&Chart::new("").path("loss", [(0.0, 1.0), (1.0, x)]))
                .contains("expected finite numbers up to 1e300")
        );
        assert!(message(&Histogram::new("", 0.0..1.0, 3).series("", [x])).contains("finite numbers"));
        assert!(message(&Contours::new("", 0.0..1.0, 0.0..1.0, |_, _| x)).contains("finite in all"));
        assert!(message(&Surface::new("", 0.0..1.0, 0.0..1.0, |_, _| x)).contains("finite in all"));
        assert!(message(&Surface::new("", 0.0..1.0, 0.0..1.0, |x, _| x).up_to(x)).contains("ceiling"));
        assert!(message(&Surface::new("", 0.0..1.0, 0.0..1.0, |x, _| x).view(x, 30.0)).contains("view"));
        assert!(message(&Contours::new("", 0.0..x, 0.0..1.0, |_, _| 1.0)).contains("range that rises"));
        let contours = Contours::new("", 0.0..1.0, 0.0..1.0, |x, _| x);
        assert!(message(&contours.clone().levels([x])).contains("levels"));
        assert!(message(&contours.path("", [(x, 0.0)])).contains("finite numbers"));
    }
    let line = || Chart::new("").line("", [(0.0, 0.0), (1.0, 1.0)]);
    assert_eq!(message(&line().log_y()), "plot: expected positive numbers on a logarithmic axis, got 0");
    assert!(message(&line().view(1.0..1.0, 0.0..1.0)).contains("got 1.0..1.0 for x"));
    assert_eq!(message(&line().size([100, 400])), "plot: expected sides from 200 to 4000, got 100");
    assert!(message(&line().size([400, u32::MAX])).contains("sides"));
    assert!(message(&Histogram::new("", 0.0..1.0, 0).series("", [0.5])).contains("1 to 1000 bins"));
    assert!(message(&Graph::new("", &Tape::<f32>::new())).contains("a tape with nodes"));
}

#[test]
fn a_tape_that_is_too_long_is_refused_with_advice() {
    let tape = Tape::new();
    let mut x = tape.var(1.0);
    for _ in 0..120 {
        x = x.sin();
    }
    assert!(message(&Graph::new("", &tape)).contains("Tape::graphviz"));
}

#[test]
fn single_points_and_constants_have_a_place() {
    Chart::new("").points("", [(3.0, 3.0)]).to_svg().unwrap();
    Chart::new("").line("", [(0.0, 1e300), (1.0, 1e300)]).log_y().to_svg().unwrap();
    Contours::new("", 0.0..1.0, 0.0..1.0, |_, _| 2.0).to_svg().unwrap();
    Surface::new("", 0.0..1.0, 0.0..1.0, |_, _| 2.0).to_svg().unwrap();
    Histogram::new("", 0.0..1.0, 1).series("", [0.0]).to_svg().unwrap();
    Chart::new("").line("", [(-1e-9, -1e9), (1e-9, 1e9)]).to_svg().unwrap();
    assert!(message(&Chart::new("").line("", [(0.0, -f64::MAX), (1.0, f64::MAX)])).contains("1e300"));
}

#[test]
fn files_are_written_as_their_names_say_and_faults_name_the_file() {
    let folder = std::env::temp_dir().join(format!("wengert-plot-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let chart = Chart::new("A line").line("", [(0.0, 0.0), (1.0, 1.0)]);
    chart.save(folder.join("line.svg")).unwrap();
    chart.save(folder.join("line.png")).unwrap();
    assert_eq!(fs::read_to_string(folder.join("line.svg")).unwrap(), chart.to_svg().unwrap());
    assert_eq!(fs::read(folder.join("line.png")).unwrap(), chart.to_png().unwrap());
    let missing = folder.join("missing").join("line.svg");
    let error = chart.save(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().starts_with(&format!("plot: {}: ", missing.display())));
    for name in ["line.pdf", "line", ".svg"] {
        assert_eq!(chart.save(folder.join(name)).unwrap_err().kind(), ErrorKind::Value);
    }
    fs::remove_dir_all(&folder).unwrap();
}
