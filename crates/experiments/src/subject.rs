//! A model under test, with its name.

/// A model with the name that results call it by. The first subject of every experiment is the base.
#[derive(Debug)]
pub struct Subject<'a, M> {
    /// `base`, or the adapter's folder name.
    pub name: &'a str,
    /// The KL budget that it was tuned under, nats per completion, where it has one.
    pub budget_nats: Option<f64>,
    /// The model.
    pub model: &'a M,
}

impl<M> Clone for Subject<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Subject<'_, M> {}
