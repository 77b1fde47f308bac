//! The values of variables that the data file bounds.

/// A whole number of a variable.
pub(crate) struct Whole {
    pub(crate) key: &'static str,
    pub(crate) least: u32,
    pub(crate) most: u32,
    /// The default.
    pub(crate) usual: u32,
}

/// A switch: one of two texts, of which the first means yes.
pub(crate) struct Switch {
    pub(crate) key: &'static str,
    pub(crate) words: [&'static str; 2],
    /// The default.
    pub(crate) usual: bool,
}
