//go:build !wasm

package stage

// Export makes a plugin the exports of this module; it is called from an init function. Natively it does nothing, so
// that the package can be tested.
func Export(*Plugin) {}
