//! How far a difference in a local package reaches: to everyone who needs it, nearest first.
//!
//! Pure. Goes from the differences to the projects, never the other way: of ten thousand projects few are reached.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use camino::Utf8Path;

use crate::difference::{Difference, differences};
use crate::inputs::{self, ALL, Depth, Focus, Part, Sight};
use crate::locked::Scope;
use crate::side::{Need, Project, Side};
use crate::tree::Change;

const DEPTHS: [Depth; 3] = [Depth::Manifest, Depth::Locked, Depth::Code];

/// Who is reached by what.
#[derive(Debug, Default)]
pub struct Reach<'a> {
    /// By directory, what differs of it for those who see so much of it.
    differences: BTreeMap<&'a Utf8Path, BTreeMap<Depth, Vec<Difference>>>,
    /// The directories of which the needs differ.
    needs: BTreeSet<&'a Utf8Path>,
    /// By what they see: for each reached directory, the next one on the way to the difference.
    ways: HashMap<Sight, Arc<Steps<'a>>>,
}

#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    next: &'a Utf8Path,
    source: &'a Utf8Path,
}

/// To one difference, and where there is one to a second: in a circle of needs the nearest can be the project itself.
type Steps<'a> = HashMap<&'a Utf8Path, Vec<Step<'a>>>;

/// A difference that reaches a project.
#[derive(Debug)]
pub struct Reached<'a> {
    pub differences: &'a [Difference],
    /// Does every list that has this package differ? Not when only its needs do: others may lead to the same packages.
    pub is_certain: bool,
    /// Directories from the local package that differs to the project, both included.
    pub way: Vec<&'a Utf8Path>,
}

impl<'a> Reach<'a> {
    /// How far these directories reach, by the needs of either revision.
    ///
    /// `changes` are the only files that can differ in what belongs to whom; without them, all are looked at.
    pub fn of(base: &'a Side, head: &'a Side, dirs: &BTreeSet<&'a Utf8Path>, changes: Option<&[Change]>) -> Reach<'a> {
        let mut reach = Reach::default();
        let focus = Focus { files: changes, ..ALL };
        for dir in dirs.iter().copied() {
            let needs = needs_differ(base, head, dir);
            reach.needs.extend(needs.is_some().then_some(dir));
            let found = DEPTHS.map(|depth| {
                let [old, new] = [base, head].map(|side| inputs::of_local(side, dir, depth, focus));
                (depth, differences(&old, &new).into_iter().chain(needs.clone()).collect::<Vec<_>>())
            });
            let found: BTreeMap<_, _> = found.into_iter().filter(|(_, it)| !it.is_empty()).collect();
            if !found.is_empty() {
                reach.differences.insert(dir, found);
            }
        }
        // Head first: its ways are the ones to show.
        let sides = if base.is_same_scene(head) { vec![head] } else { vec![head, base] };
        let users: Vec<Users> = sides.into_iter().filter(|_| !reach.differences.is_empty()).map(users).collect();
        let mut known: HashMap<(Vec<&'a Utf8Path>, Scope), Arc<Steps>> = HashMap::new();
        for depth in DEPTHS {
            let differs = reach.differences.iter().filter(|(_, it)| it.contains_key(&depth));
            let sources: Vec<&Utf8Path> = differs.map(|it| *it.0).collect();
            for scope in [Scope::Runtime, Scope::Dev] {
                let found = known.entry((sources.clone(), scope)).or_insert_with(|| {
                    let mut found = Steps::new();
                    users.iter().for_each(|users| spread(users, &sources, scope, &mut found));
                    Arc::new(found)
                });
                reach.ways.insert(Sight { scope: Some(scope), depth }, found.clone());
            }
        }
        reach
    }

    /// Does any difference reach a project, whatever it sees?
    pub fn reaches(&self, project: &Project) -> bool {
        self.ways.values().any(|it| it.contains_key(&*project.dir))
    }

    /// The nearest difference that a project sees.
    pub fn nearest(&self, project: &'a Project, sight: Sight) -> Option<Reached<'_>> {
        let steps = self.ways.get(&sight)?;
        let source = steps.get(&*project.dir)?.first()?.source;
        let mut way = vec![&*project.dir];
        let mut at = &*project.dir;
        while at != source {
            // Beyond the first step only what ships counts, whatever the project itself sees.
            let onward =
                if way.len() == 1 { steps } else { self.ways.get(&Sight { scope: Some(Scope::Runtime), ..sight })? };
            at = match onward.get(at).and_then(|it| it.iter().find(|it| it.source == source)) {
                Some(step) if !way.contains(&step.next) => step.next,
                _ => source,
            };
            way.push(at);
        }
        way.reverse();
        let differences = self.differences.get(source)?.get(&sight.depth)?;
        let is_certain = differences.len() > usize::from(self.needs.contains(source));
        Some(Reached { differences, is_certain, way })
    }
}

/// A lock can say that a package needs another without its manifest having changed.
fn needs_differ(base: &Side, head: &Side, dir: &Utf8Path) -> Option<Difference> {
    let runtime = |side: &Side| -> Option<Vec<_>> {
        let needs = side.project_in(dir)?.needs.iter().filter(|it| it.scope == Scope::Runtime);
        Some(needs.map(|it| (it.dir.clone(), it.by.clone(), it.asks.clone())).collect())
    };
    let (old, new) = (runtime(base), runtime(head));
    let words = |it: &Option<Vec<_>>| it.as_ref().map(|it| format!("{it:?}"));
    (old.is_some() && new.is_some() && old != new).then(|| Difference {
        part: Part::Local,
        of: head.project_in(dir).or_else(|| base.project_in(dir)).map_or_else(|| dir.to_string(), |it| it.name.clone()),
        key: dir.join("uv.lock").into_string(),
        before: words(&old),
        after: words(&new),
    })
}

/// Who needs a directory.
type Users<'a> = HashMap<&'a str, Vec<(&'a Project, &'a Need)>>;

fn users(side: &Side) -> Users<'_> {
    let mut users = Users::new();
    for project in &side.projects {
        for need in project.needs.iter() {
            users.entry(need.dir.as_str()).or_default().push((project, need));
        }
    }
    users
}

/// Goes from the sources to those who need them, breadth first, so that the first to come is the nearest.
fn spread<'a>(users: &Users<'a>, sources: &[&'a Utf8Path], scope: Scope, found: &mut Steps<'a>) {
    // A directory and what of it: an extra, or with no name what everyone gets.
    type Place<'a> = (&'a Utf8Path, &'a str);
    let mut queue: VecDeque<(Place, &Utf8Path)> = sources.iter().map(|it| ((*it, ""), *it)).collect();
    let mut carried: HashMap<Place, Vec<&Utf8Path>> = queue.iter().map(|it| (it.0, vec![it.1])).collect();
    while let Some(((dir, part), source)) = queue.pop_front() {
        let asks = |need: &Need| part.is_empty() || need.asks.contains(part);
        for (user, need) in users.get(dir.as_str()).into_iter().flatten().filter(|it| asks(it.1)) {
            if &*user.dir == source {
                continue;
            }
            if need.scope <= scope {
                let steps = found.entry(&*user.dir).or_default();
                if steps.len() < 2 && steps.iter().all(|it| it.source != source) {
                    steps.push(Step { next: dir, source });
                }
            }
            // Whoever needs the user gets what the user needs to run, not what it needs to be tested.
            if need.scope != Scope::Runtime {
                continue;
            }
            for place in need.parts().map(|part| (&*user.dir, part)) {
                let sources = carried.entry(place).or_default();
                if sources.len() < 2 && !sources.contains(&source) {
                    sources.push(source);
                    queue.push_back((place, source));
                }
            }
        }
    }
}
