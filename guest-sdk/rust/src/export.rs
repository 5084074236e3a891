//! Makes a stage the exports of a component.
//!
//! The macro expands to nothing natively, so several plugins can be linked into one binary.

/// Exports a type that implements [`Stage`](crate::Stage) as this component. Once per crate, at its end.
#[macro_export]
macro_rules! export_stage {
    ($stage:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::contract::{Failure, Guest, Interest, LogBatch, LogEdit};

            ::std::thread_local! {
                static STAGE: ::std::cell::RefCell<::std::option::Option<$crate::Instance<$stage>>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Exported;

            impl Guest for Exported {
                fn configure(settings: String) -> Result<Interest, String> {
                    STAGE.with(|slot| $crate::export::configure(slot, &settings))
                }

                fn process(batch: LogBatch, now: i64) -> Result<LogEdit, Failure> {
                    STAGE.with(|slot| $crate::export::call(slot, |stage| stage.process(batch, now)))
                }

                fn tick(now: i64) -> Result<LogEdit, Failure> {
                    STAGE.with(|slot| $crate::export::call(slot, |stage| stage.tick(now)))
                }

                fn flush(now: i64) -> Result<LogEdit, Failure> {
                    STAGE.with(|slot| $crate::export::call(slot, |stage| stage.flush(now)))
                }
            }

    $crate::contract::export!(Exported with_types_in $crate::contract);
        };
    };
}

#[doc(hidden)]
pub use calls::{call, configure};

mod calls {
    use std::cell::RefCell;

    use crate::contract::{Failure, Interest};
    use crate::{Instance, Stage};

    type Slot<S> = RefCell<Option<Instance<S>>>;

    /// Configures the component's one instance, and sees to it that a panic reaches the host's log before the
    /// trap that follows it.
    pub fn configure<S: Stage>(slot: &Slot<S>, settings: &str) -> Result<Interest, String> {
        std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
        let instance = Instance::configure(settings).map_err(|refusal| refusal.message().to_owned())?;
        let interest = instance.interest();
        *slot.borrow_mut() = Some(instance);
        Ok(interest)
    }

    /// Calls the configured instance.
    pub fn call<S: Stage, T>(
        slot: &Slot<S>,
        call: impl FnOnce(&mut Instance<S>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match slot.borrow_mut().as_mut() {
            Some(instance) => call(instance),
            None => Err(Failure {
                message: "the stage was called before it was configured".to_owned(),
            }),
        }
    }
}
