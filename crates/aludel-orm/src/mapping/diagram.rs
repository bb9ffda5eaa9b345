//! Mappers drawn as an entity diagram.

use std::fmt::Write as _;

use super::{Direction, Mapper, Mappers, PropertyKind, Relationship};

/// Classes with their attributes, and how they refer to each other: to be drawn.
///
/// ```
/// # fn example(mappers: &aludel_orm::mapping::Mappers) -> std::io::Result<()> {
/// let diagram = mappers.diagram();
/// std::fs::write("model.mmd", diagram.mermaid())?;
/// std::fs::write("model.svg", diagram.svg())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    entities: Vec<Entity>,
    links: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entity {
    name: String,
    /// Type, name, and what else is to be said (`PK`, `FK`).
    rows: Vec<(String, String, &'static str)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    from: String,
    to: String,
    /// The ends, as Mermaid writes them.
    ends: (&'static str, &'static str),
    label: String,
}

impl Mappers {
    /// All classes as a diagram.
    pub fn diagram(&self) -> Diagram {
        self.diagram_of(0..self.len() as u16)
    }

    /// Some classes as a diagram, by the numbers of their mappers; what refers to others is left out.
    pub fn diagram_of(&self, classes: impl IntoIterator<Item = u16>) -> Diagram {
        let mut diagram = Diagram::default();
        let classes: Vec<&Mapper> =
            classes.into_iter().filter_map(|index| self.get(index)).collect();
        let mut drawn: Vec<(u16, u16)> = Vec::new();
        for mapper in &classes {
            diagram.entities.push(entity(mapper));
            let base = mapper.base.and_then(|base| self.get(base));
            if let Some(base) = base.filter(|base| classes.iter().any(|c| c.index == base.index)) {
                diagram.links.push(Link {
                    from: base.name.to_string(),
                    to: mapper.name.to_string(),
                    ends: ("||", "o|"),
                    label: "is".to_owned(),
                });
            }
            let declared = mapper.relationships().filter(|r| r.parent == mapper.index);
            for relationship in declared {
                let target = classes.iter().find(|c| c.index == relationship.target);
                let there = relationship.reverse.iter().any(|other| drawn.contains(other));
                drawn.push((relationship.parent, relationship.attribute));
                if let (Some(target), false) = (target, there) {
                    diagram.links.push(link(mapper, target, relationship));
                }
            }
        }
        diagram
    }
}

fn entity(mapper: &Mapper) -> Entity {
    let own = mapper.properties.iter().enumerate();
    let own = own.filter(|(_, p)| p.declared_by == mapper.index);
    let row = |(at, property): (usize, &super::Property)| {
        let at = at as u16;
        let mark = match &property.kind {
            PropertyKind::Column(_) if mapper.primary_key.contains(&at) => "PK",
            PropertyKind::Column(column) => {
                let is_foreign = |c: &super::ColumnRef| {
                    let keys = mapper.table_of(*c).foreign_keys();
                    keys.iter().any(|key| key.columns.contains(&c.column))
                };
                if column.columns.iter().any(is_foreign) { "FK" } else { "" }
            }
            PropertyKind::Expression { .. } if mapper.primary_key.contains(&at) => "PK",
            PropertyKind::Expression { .. } => "",
            _ => return None,
        };
        let data_type = format!("{:?}", mapper.type_of(at)).to_lowercase();
        let data_type = data_type.split(['(', ' ']).next().unwrap_or_default().to_owned();
        Some((data_type, property.name().to_owned(), mark))
    };
    Entity { name: mapper.name.to_string(), rows: own.filter_map(row).collect() }
}

fn link(owner: &Mapper, target: &Mapper, relationship: &Relationship) -> Link {
    let ends = match relationship.direction {
        Direction::OneToMany if relationship.holder.is_collection() => ("||", "o{"),
        Direction::OneToMany => ("||", "o|"),
        Direction::ManyToOne => ("}o", "o|"),
        Direction::ManyToMany => ("}o", "o{"),
    };
    Link {
        from: owner.name.to_string(),
        to: target.name.to_string(),
        ends,
        label: relationship.name.to_string(),
    }
}

impl Diagram {
    /// The diagram as [Mermaid](https://mermaid.js.org/syntax/entityRelationshipDiagram.html) writes it.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("erDiagram\n");
        for entity in &self.entities {
            // Writing to a string does not fail.
            let _ = writeln!(out, "    {} {{", quoted(&entity.name));
            for (data_type, name, mark) in &entity.rows {
                let line = format!("        {} {} {mark}", word(data_type), word(name));
                out.push_str(line.trim_end());
                out.push('\n');
            }
            out.push_str("    }\n");
        }
        for link in &self.links {
            let (near, far) = link.ends;
            let (from, to) = (quoted(&link.from), quoted(&link.to));
            let _ = writeln!(out, "    {from} {near}--{far} {to} : {}", quoted(&link.label));
        }
        out
    }

    /// The diagram as a picture: the classes in rows, with a line for each relationship.
    pub fn svg(&self) -> String {
        let boxes = self.boxes();
        let (width, height) = boxes.iter().fold((0, 0), |(width, height), b| {
            (width.max(b.x + b.width + GAP), height.max(b.y + b.height + GAP))
        });
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n"
        );
        for link in &self.links {
            let at = |name: &str| self.entities.iter().position(|e| e.name == name);
            let (Some(from), Some(to)) = (at(&link.from), at(&link.to)) else { continue };
            let ((x1, y1), (x2, y2)) = (boxes[from].middle(), boxes[to].middle());
            let (x, y) = ((x1 + x2) / 2, (y1 + y2) / 2);
            let line = match from == to {
                true => {
                    let (right, top) = (boxes[from].x + boxes[from].width, boxes[from].y);
                    format!("M{right} {} h20 v-30 h-40 v20", top + 20)
                }
                false => format!("M{x1} {y1} L{x2} {y2}"),
            };
            let _ = writeln!(out, "<path d=\"{line}\" fill=\"none\" stroke=\"#888\"/>");
            let _ = writeln!(
                out,
                "<text x=\"{x}\" y=\"{y}\" fill=\"#555\" text-anchor=\"middle\">{}</text>",
                escaped(&link.label)
            );
        }
        for (entity, place) in self.entities.iter().zip(&boxes) {
            entity.draw(place, &mut out);
        }
        out.push_str("</svg>\n");
        out
    }

    fn boxes(&self) -> Vec<Place> {
        let across = (1..).find(|n| n * n >= self.entities.len()).unwrap_or(1);
        let (mut boxes, mut y) = (Vec::new(), GAP);
        for row in self.entities.chunks(across) {
            let mut x = GAP;
            for entity in row {
                let (width, height) = (entity.width(), LINE * (entity.rows.len() + 1) + LINE / 2);
                boxes.push(Place { x, y, width, height });
                x += width + 2 * GAP;
            }
            let tallest = boxes.iter().rev().take(row.len()).map(|b| b.height).max();
            y += tallest.unwrap_or_default() + 2 * GAP;
        }
        boxes
    }
}

const GAP: usize = 30;
const LINE: usize = 20;

/// Where a class is drawn.
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Place {
    fn middle(&self) -> (usize, usize) {
        (self.x + self.width / 2, self.y + self.height / 2)
    }
}

impl Entity {
    fn width(&self) -> usize {
        let row = |(data_type, name, mark): &(String, String, &str)| {
            data_type.chars().count() + name.chars().count() + mark.len() + 2
        };
        let widest = self.rows.iter().map(row).max().unwrap_or_default();
        8 * widest.max(self.name.chars().count()) + 20
    }

    fn draw(&self, place: &Place, out: &mut String) {
        let Place { x, y, width, height } = *place;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill=\"#fff\" \
             stroke=\"#333\"/>\n<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>",
            x + 8,
            y + LINE - 5,
            escaped(&self.name)
        );
        for (at, (data_type, name, mark)) in self.rows.iter().enumerate() {
            let text = format!("{name} {data_type} {mark}");
            let y = y + LINE * (at + 2);
            let _ = writeln!(
                out,
                "<text x=\"{}\" y=\"{y}\">{}</text>",
                x + 8,
                escaped(text.trim_end())
            );
        }
    }
}

/// A name as Mermaid takes it everywhere.
fn quoted(name: &str) -> String {
    match !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace(['"', '\n'], "'")),
    }
}

/// A name where Mermaid takes words only.
fn word(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
