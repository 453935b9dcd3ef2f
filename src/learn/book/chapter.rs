//! A lesson as a chapter: the same steps in the same order, its demos as recorded runs.

use super::markup::{inline, manual};
use super::{Book, expand};
use crate::catalog;
use crate::error::Result;
use crate::learn::exercise::definition::{Exercise, list};
use crate::learn::pack::{Demo, Lesson, Quiz, Step};

impl Book {
    /// `{{#lesson NAME}}`: its title, and all that a reader reads of it.
    pub fn lesson(&self, lesson: &Lesson) -> Result<String> {
        let commands: Vec<String> =
            lesson.primitives.iter().map(|command| format!("`boxlab {}`", command.trim())).collect();
        let mut text = format!("# {}\n\n", lesson.title);
        text += &self.say("book.lesson", &[("name", &lesson.name), ("minutes", &lesson.minutes)]);
        if !commands.is_empty() {
            text += " ";
            text += &self.say("book.commands", &[("commands", &commands.join(", "))]);
        }
        text += "\n\n";
        for step in &lesson.steps {
            text += &self.step(lesson, step)?;
            text += "\n";
        }
        Ok(text)
    }

    fn say(&self, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
        self.pack.phrases.say(key, values)
    }

    fn step(&self, lesson: &Lesson, step: &Step) -> Result<String> {
        Ok(match step {
            Step::Text(section) => self.headed(section) + lesson.section(section),
            Step::Demo(demo) => self.demo(lesson, demo)?,
            Step::Look(look) => {
                let command = look.run.replace("{pid}", "PID");
                let shown = self.run(&format!("{}.look-{}", lesson.folder, look.section), &command)?;
                format!("{}\n{shown}", lesson.section(&look.section))
            }
            Step::Try(tried) => {
                let command = tried.run.as_ref().map(|run| format!("\n```console\n$ {run}\n```\n"));
                self.headed("try") + lesson.section(&tried.section) + command.as_deref().unwrap_or_default()
            }
            Step::Quiz(quiz) => self.question(quiz),
            Step::Task(_) | Step::Teacher(_) => String::new(),
        })
    }

    /// Some sections, known by their names in every lesson, have a heading in the book.
    fn headed(&self, section: &str) -> String {
        let heading = match section {
            "how" => "book.how",
            "limits" => "book.limits",
            "try" => "book.try",
            _ => return String::new(),
        };
        format!("## {}\n\n", self.say(heading, &[]))
    }

    fn demo(&self, lesson: &Lesson, demo: &Demo) -> Result<String> {
        let question = demo.predict.as_ref().map(|quiz| self.question(quiz) + "\n").unwrap_or_default();
        Ok(question + &self.run(&format!("{}.{}", lesson.folder, demo.id), &demo.run)?)
    }

    /// What was recorded, or the command alone.
    fn run(&self, name: &str, command: &str) -> Result<String> {
        Ok(match self.recording(name)? {
            Some(run) => self.shown(&run),
            None => format!("```console\n$ {}\n```\n", command.trim().replace('\n', "\n> ")),
        })
    }

    /// A question whose answers are folded away.
    fn question(&self, quiz: &Quiz) -> String {
        let right = self.say("book.right", &[]);
        let mark = |answer: bool| if answer { format!(" **({right})**") } else { String::new() };
        let answers: Vec<String> = quiz
            .answers
            .iter()
            .map(|answer| format!("- *{}*{}: {}\n", answer.text.trim(), mark(answer.right), answer.because.trim()))
            .collect();
        let choices: Vec<String> = quiz.answers.iter().map(|answer| format!("- {}\n", answer.text.trim())).collect();
        let label = self.say("book.question", &[]);
        if !self.html {
            return format!("**{label}** {}\n\n{}\n", quiz.question.trim(), answers.concat());
        }
        format!(
            "**{label}** {}\n\n{}\n<details class=\"boxlab-answer\"><summary>{}</summary>\n\n{}\n</details>\n\n",
            quiz.question.trim(),
            choices.concat(),
            inline(&self.say("book.answer", &[])),
            answers.concat()
        )
    }

    /// `{{#exercises NAME}}`: what must be true, and how to begin.
    pub fn exercises(&self, lesson: &Lesson) -> Result<String> {
        let mut text = String::new();
        for name in list(&self.pack)?.iter().filter(|name| name.folder.starts_with(&format!("{}/", lesson.folder))) {
            let exercise = Exercise::read(&self.pack, name)?;
            let definition = &exercise.definition;
            text += &format!("### {}\n\n{}\n\n", definition.title, exercise.task.trim());
            text += &self.say("book.exercise", &[("name", &name.text), ("minutes", &definition.minutes)]);
            text += "\n\n";
        }
        Ok(text)
    }

    /// `{{#reading NAME}}`: the pages of the manual that its commands name.
    pub fn reading(&self, lesson: &Lesson) -> Result<String> {
        let mut pages: Vec<&str> = Vec::new();
        for command in &lesson.primitives {
            pages.extend(catalog::find(command)?.man);
        }
        let mut seen = Vec::new();
        let mut text = String::new();
        for page in pages {
            let Some((name, section)) = page.trim_end_matches(')').split_once('(') else { continue };
            if !seen.contains(&page) {
                seen.push(page);
                text += &format!("- [{page}]({})\n", manual(name, section));
            }
        }
        Ok(text)
    }

    /// `{{#lesson NAME SECTION}}`
    pub fn section(&self, lesson: &Lesson, section: &str) -> Result<String> {
        match lesson.section(section) {
            "" => Err(expand::unknown(&format!("the lesson {} has no section '{section}'", lesson.name))),
            text => Ok(text.to_owned()),
        }
    }
}
