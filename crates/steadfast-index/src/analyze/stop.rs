//! Words that leave a query: they stay in the index, so that a query of nothing else still finds.

/// Words too common in English to tell texts apart, and what an apostrophe leaves behind (`don't`: `don`, `t`).
const STOP: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "but", "by", "can", "could", "d", "don", "for", "from",
    "had", "has", "have", "having", "he", "her", "hers", "him", "his", "i", "if", "in", "into",
    "is", "it", "its", "just", "ll", "m", "me", "my", "no", "nor", "not", "of", "on", "or", "our",
    "ours", "re", "s", "she", "should", "so", "some", "such", "t", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "to", "too", "us", "ve", "very",
    "was", "we", "were", "will", "with", "would", "you", "your",
];

/// Words that make a question and are rarely what it is about.
const QUESTION: &[&str] = &[
    "did", "do", "does", "doing", "how", "many", "much", "please", "remember", "tell", "what",
    "when", "where", "which", "who", "whom", "whose", "why",
];

/// Returns whether a lower-case word leaves a query.
pub(crate) fn leaves_query(word: &str) -> bool {
    STOP.binary_search(&word).is_ok() || QUESTION.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_so_that_each_word_is_found() {
        assert!(STOP.is_sorted_by(|a, b| a < b));
        assert!(QUESTION.is_sorted_by(|a, b| a < b));
        assert!(leaves_query("the") && leaves_query("remember") && !leaves_query("melanie"));
    }
}
