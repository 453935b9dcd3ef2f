//! The verdict on one process: every aspect judged, and one sentence for all.

use serde::Serialize;

use super::aspect::{ASPECTS, Grade, Judgement};
use super::files::Whose;
use super::{Kind, Portrait};

/// One aspect, judged.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Which one.
    pub aspect: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// What would help; `None` where it is isolated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
}

/// All of them, and what they come to.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Whether it has what makes a container: processes, mounts and a root of its own.
    pub container: bool,
    /// How well it is isolated on the whole.
    pub grade: Grade,
    /// The same in words.
    pub summary: String,
    /// The aspects, the most serious first.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Judges a process.
    pub fn on(portrait: &Portrait) -> Self {
        let findings = if portrait.kind == Kind::Process { findings(portrait) } else { Vec::new() };
        let container = is_container(portrait);
        let (grade, summary) = match portrait.kind {
            Kind::KernelThread => (Grade::Not, KERNEL_THREAD.to_owned()),
            Kind::Zombie => (Grade::Not, ZOMBIE.to_owned()),
            Kind::Process if container => of_container(&findings),
            Kind::Process => of_other(portrait),
        };
        Self { container, grade, summary, findings }
    }

    /// Those of a grade.
    pub fn graded(&self, grade: Grade) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.judgement.grade == grade)
    }
}

const KERNEL_THREAD: &str =
    "A thread of the kernel: it runs no program and has no files, so there is nothing to isolate, and nothing could.";
const ZOMBIE: &str =
    "A zombie: it has ended, its parent has yet to ask how (wait(2)), and nothing else is left of it to look at.";

const FROM_INSIDE: &str =
    "Nothing sets it apart from its surroundings, but these are a container themselves: ask from the host.";

fn findings(portrait: &Portrait) -> Vec<Finding> {
    let judged = ASPECTS.iter().filter_map(|aspect| Some((aspect, (aspect.judge)(portrait)?)));
    let finding = |(aspect, judgement): (&super::aspect::Aspect, Judgement)| Finding {
        aspect: aspect.name,
        remedy: matches!(judgement.grade, Grade::Partly | Grade::Not).then_some(aspect.remedy),
        judgement,
    };
    judged.map(finding).collect()
}

fn whose_root(portrait: &Portrait) -> Option<Whose> {
    portrait.files.as_ref().map(|files| files.root.whose)
}

fn is_container(portrait: &Portrait) -> bool {
    let own = |kind: &str| portrait.namespaces.is_hosts(kind) == Some(false);
    own("pid") && own("mnt") && whose_root(portrait) == Some(Whose::Own)
}

fn of_container(findings: &[Finding]) -> (Grade, String) {
    let graded = |grade: Grade| findings.iter().filter(move |finding| finding.judgement.grade == grade);
    let open = |aspect: &str| graded(Grade::Not).any(|finding| finding.aspect == aspect);
    if open("users") && open("capabilities") {
        let text = "A container in form, no barrier in fact: its root has the power to take over the host.";
        return (Grade::Not, text.to_owned());
    }
    let all = findings.len();
    match (graded(Grade::Not).count(), graded(Grade::Partly).count()) {
        (0, 0) => (Grade::Isolated, format!("A container, isolated in each of {all} aspects.")),
        (0, partly) => (Grade::Isolated, format!("A container, isolated: of {all} aspects {partly} only in part.")),
        (not, partly) => (
            Grade::Partly,
            format!("A container with gaps: of {all} aspects {not} are not isolated, {partly} in part."),
        ),
    }
}

fn of_other(portrait: &Portrait) -> (Grade, String) {
    let (own, shared) = (portrait.namespaces.kinds(false), portrait.namespaces.kinds(true));
    let seen = own.len() + shared.len() == portrait.namespaces.each.len();
    let hidden = if seen { "" } else { ", as far as you may see" };
    match (whose_root(portrait), own.is_empty()) {
        (Some(Whose::Chroot), true) => {
            (Grade::Partly, format!("A chroot: a root directory of its own, and all else is the host's{hidden}."))
        }
        (_, true) if !portrait.namespaces.compared_with.first => (Grade::Unknown, FROM_INSIDE.to_owned()),
        (_, true) => (Grade::Not, format!("Not a container: it shares all namespaces with the host{hidden}.")),
        (whose, false) => {
            let hosts = shared.into_iter().chain((whose == Some(Whose::Host)).then_some("files"));
            let hosts: Vec<&str> = hosts.collect();
            let hosts = if hosts.is_empty() { String::new() } else { format!(" The host's: {}.", hosts.join(" ")) };
            let chroot = if whose == Some(Whose::Chroot) { " Its root is a chroot." } else { "" };
            (Grade::Partly, format!("No container. Its own: {}.{hosts}{chroot}", own.join(" ")))
        }
    }
}
