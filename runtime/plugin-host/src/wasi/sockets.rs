//! `wasi:sockets`: names without functions behind them.
//!
//! Python's runtime imports all of them, whatever a plugin does, so to refuse them would be to refuse Python. To call one is
//! a trap. What their functions look like is taken from the component: there is nothing here that could be called.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime::{Engine, Result};

use crate::instance::Guest;

/// The handles that come from sockets; the others in their interfaces are those of `wasi:io`.
const HANDLES: [&str; 6] = [
    "incoming-datagram-stream",
    "network",
    "outgoing-datagram-stream",
    "resolve-address-stream",
    "tcp-socket",
    "udp-socket",
];

/// Whether it is one of the interfaces.
pub(crate) fn is_socket(interface: &str) -> bool {
    interface
        .split_once('@')
        .is_some_and(|(name, version)| version.starts_with("0.2.") && name.starts_with("wasi:sockets/"))
}

/// A linker for a component that imports them.
pub(crate) fn without_sockets(
    linker: &Linker<Guest>,
    engine: &Engine,
    component: &Component,
) -> Result<Linker<Guest>> {
    let mut linker = linker.clone();
    for (interface, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(import) = import.ty else {
            continue;
        };
        if !is_socket(interface) {
            continue;
        }
        let mut instance = linker.instance(interface)?;
        for (name, export) in import.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => {
                    let call = format!("{interface}#{name}");
                    instance.func_new(name, move |_, _, _, _| {
                        Err(wasmtime::format_err!(
                            "it calls {call}, and there is no network for plugins"
                        ))
                    })?;
                }
                ComponentItem::Resource(_) if HANDLES.contains(&name) => {
                    instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(linker)
}
