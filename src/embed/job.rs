//! The texts of one request.

use sha2::{Digest, Sha256};

use super::EmbedOptions;
use super::texts::Text;

/// What no service has anything against: short, plain, and of no project.
const CONTROL: &str = "This sentence shows whether the service makes embeddings.";

/// Texts of one request.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub texts: Vec<Text>,
    /// Answers to them that could not be used.
    pub bad: u32,
    /// Times that they had no answer.
    pub failed: u32,
    /// Times that it was in doubt whether they or the service is at fault.
    pub spared: u32,
    /// Whether it is sent to see whether the service works, and no row wants its vector.
    pub is_control: bool,
}

impl Job {
    pub fn of(texts: Vec<Text>) -> Self {
        Self { texts, bad: 0, failed: 0, spared: 0, is_control: false }
    }

    /// The text that tells a service that fails from texts that make it fail.
    pub fn control(options: &EmbedOptions) -> Self {
        let text = Text {
            sha256: Sha256::digest(CONTROL.as_bytes()).to_vec(),
            content: CONTROL.to_owned(),
            tokens: options.tokenizer.count(CONTROL),
        };
        Self { is_control: true, ..Self::of(vec![text]) }
    }

    /// Puts texts together to requests, as large as the options let them be.
    pub fn pack(texts: Vec<Text>, options: &EmbedOptions) -> Vec<Self> {
        let mut jobs: Vec<Self> = Vec::new();
        let mut tokens = 0;
        for text in texts {
            let is_full = |job: &Self| {
                job.texts.len() >= options.texts_per_request || tokens + text.tokens > options.tokens_per_request
            };
            if let Some(job) = jobs.last_mut().filter(|job| !is_full(job)) {
                tokens += text.tokens;
                job.texts.push(text);
            } else {
                tokens = text.tokens;
                jobs.push(Self::of(vec![text]));
            }
        }
        jobs
    }

    pub fn tokens(&self) -> u64 {
        self.texts.iter().map(|text| text.tokens as u64).sum()
    }

    /// Leaves the first so many texts; the others, if there are any.
    pub fn split_off(&mut self, texts: usize) -> Option<Self> {
        (texts < self.texts.len()).then(|| Self { texts: self.texts.split_off(texts), ..*self })
    }

    /// Two halves that nothing is held against yet; itself where it has one text.
    pub fn halves(mut self) -> Result<[Self; 2], Self> {
        if self.texts.len() < 2 {
            return Err(self);
        }
        let second = self.texts.split_off(self.texts.len() / 2);
        Ok([Self::of(self.texts), Self::of(second)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tokens: &[usize]) -> Vec<Text> {
        tokens.iter().map(|tokens| Text { sha256: Vec::new(), content: String::new(), tokens: *tokens }).collect()
    }

    #[test]
    fn requests_are_as_large_as_they_may_be() {
        let options = EmbedOptions { texts_per_request: 3, tokens_per_request: 10, ..EmbedOptions::default() };
        let packed = |tokens: &[usize]| -> Vec<Vec<usize>> {
            let jobs = Job::pack(texts(tokens), &options);
            jobs.iter().map(|job| job.texts.iter().map(|text| text.tokens).collect()).collect()
        };
        assert!(packed(&[]).is_empty());
        assert_eq!(packed(&[1, 2, 3, 4]), [vec![1, 2, 3], vec![4]]);
        assert_eq!(packed(&[5, 5, 1, 99, 2]), [vec![5, 5], vec![1], vec![99], vec![2]]);
    }

    #[test]
    fn halves_are_the_whole_and_one_text_has_none() {
        let [first, second] = Job { bad: 2, ..Job::of(texts(&[1, 2, 3])) }.halves().unwrap();
        assert_eq!((first.tokens(), first.bad, second.tokens(), second.bad), (1, 0, 5, 0));
        assert_eq!(Job::of(texts(&[7])).halves().unwrap_err().tokens(), 7);
    }
}
