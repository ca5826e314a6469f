//! One value a chain, made anew only for the chains that changed: a new token costs the chains that it came to.

use std::rc::Rc;

use yew::prelude::*;

use super::ptr_eq::PtrEq;
use crate::state::{Chain, Swarm};

/// What was read of each chain, and by what.
struct Kept<K, T> {
    by: Option<K>,
    read: Vec<(Rc<Chain>, Rc<T>)>,
}

/// Reads every chain by something; nothing where there is nothing to read by.
#[hook]
pub fn use_memo_per_chain<K, T>(
    swarm: &PtrEq<Swarm>,
    by: Option<K>,
    read: impl Fn(&K, &Chain) -> T,
) -> Rc<Vec<Rc<T>>>
where
    K: PartialEq + Clone + 'static,
    T: 'static,
{
    let kept = use_mut_ref(|| Kept::<K, T> {
        by: None,
        read: Vec::new(),
    });
    use_memo((swarm.clone(), by), |(swarm, by)| {
        let mut kept = kept.borrow_mut();
        if kept.by != *by {
            kept.by.clone_from(by);
            kept.read.clear();
        }
        let Some(by) = by else { return Vec::new() };
        for (number, chain) in swarm.chains().iter().enumerate() {
            match kept.read.get_mut(number) {
                Some((before, _)) if Rc::ptr_eq(before, chain) => {}
                Some(changed) => *changed = (chain.clone(), Rc::new(read(by, chain))),
                None => kept.read.push((chain.clone(), Rc::new(read(by, chain)))),
            }
        }
        kept.read.truncate(swarm.chains().len());
        kept.read.iter().map(|(_, read)| read.clone()).collect()
    })
}
