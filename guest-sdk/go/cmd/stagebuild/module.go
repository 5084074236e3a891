package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const header = "\x00asm\x01\x00\x00\x00"

// Sections of a WebAssembly module, by their numbers.
const (
	customSection   = 0
	typeSection     = 1
	importSection   = 2
	functionSection = 3
	globalSection   = 6
	exportSection   = 7
	codeSection     = 10
	dataSection     = 11
)

type section struct {
	id      byte
	content []byte
}

// module is a WebAssembly module as Go's linker makes it, read so far as functions, globals and exports can be added.
type module struct {
	sections []section
	// imported is how many functions are; imports are their indices by module and name.
	imported uint32
	imports  map[string]uint32
	names    map[string]uint32
	exports  map[string]uint32
	// others are the exports that are no functions, as they were.
	others    [][]byte
	types     [][]byte
	functions []uint32
	globals   [][]byte
	bodies    [][]byte
}

func parse(binary []byte) (*module, error) {
	if !bytes.HasPrefix(binary, []byte(header)) {
		return nil, errors.New("not a WebAssembly module")
	}
	parsed := &module{imports: map[string]uint32{}, names: map[string]uint32{}, exports: map[string]uint32{}}
	for in := (reader{binary[len(header):]}); len(in.rest) > 0; {
		id := in.byte()
		content := in.take(in.number())
		parsed.sections = append(parsed.sections, section{id, content})
		parsed.read(id, reader{content})
	}
	return parsed, nil
}

func (module *module) read(id byte, in reader) {
	if id == customSection {
		if string(in.take(in.number())) == "name" {
			module.readNames(in)
		}
		return
	}
	var one func()
	switch id {
	case typeSection:
		one = func() { module.types = append(module.types, in.since(in.skipType)) }
	case importSection:
		one = func() { module.readImport(&in) }
	case functionSection:
		one = func() { module.functions = append(module.functions, uint32(in.number())) }
	case globalSection:
		one = func() { module.globals = append(module.globals, in.since(in.skipGlobal)) }
	case exportSection:
		one = func() { module.readExport(&in) }
	case codeSection:
		one = func() { module.bodies = append(module.bodies, in.take(in.number())) }
	default:
		return
	}
	for range in.number() {
		one()
	}
}

func (module *module) readImport(in *reader) {
	from := string(in.take(in.number()))
	name := string(in.take(in.number()))
	if in.byte() == 0 {
		module.imports[from+" "+name] = module.imported
		module.imported++
	}
	// Go imports functions alone: what follows is the index of a type.
	in.number()
}

func (module *module) readExport(in *reader) {
	before := in.rest
	name := string(in.take(in.number()))
	kind, index := in.byte(), uint32(in.number())
	if kind == 0 {
		module.exports[name] = index
	} else {
		module.others = append(module.others, before[:len(before)-len(in.rest)])
	}
}

func (module *module) readNames(in reader) {
	for len(in.rest) > 0 {
		kind := in.byte()
		part := reader{in.take(in.number())}
		if kind != 1 {
			continue
		}
		for range part.number() {
			index := uint32(part.number())
			module.names[string(part.take(part.number()))] = index
		}
	}
}

// find is the address of a text in the module's data.
func (module *module) find(text []byte) (uint32, error) {
	for _, section := range module.sections {
		if section.id != dataSection {
			continue
		}
		in := reader{section.content}
		for range in.number() {
			if kind := in.number(); kind != 0 {
				return 0, fmt.Errorf("it has data of kind %d, which Go's linker does not make", kind)
			}
			in.byte() // i32.const
			address := in.signed()
			in.byte() // end
			if at := bytes.Index(in.take(in.number()), text); at >= 0 {
				return uint32(address) + uint32(at), nil
			}
		}
	}
	return 0, errors.New("it has no stage in it: an init function must call stage.Export")
}

func (module *module) addFunction(parameters, results, body []byte) uint32 {
	kind := concat([]byte{0x60}, unsigned(uint32(len(parameters))), parameters, unsigned(uint32(len(results))), results)
	module.types = append(module.types, kind)
	module.functions = append(module.functions, uint32(len(module.types)-1))
	module.bodies = append(module.bodies, body)
	return module.imported + uint32(len(module.functions)) - 1
}

func (module *module) addGlobal(kind, constant byte, value []byte) uint32 {
	module.globals = append(module.globals, concat([]byte{kind, 1, constant}, value, []byte{end}))
	return uint32(len(module.globals) - 1)
}

func (module *module) export(name string, function uint32) { module.exports[name] = function }

func (module *module) bytes() []byte {
	out := []byte(header)
	for _, section := range module.sections {
		switch section.id {
		case typeSection:
			section.content = vector(module.types)
		case functionSection:
			var indices [][]byte
			for _, kind := range module.functions {
				indices = append(indices, unsigned(kind))
			}
			section.content = vector(indices)
		case globalSection:
			section.content = vector(module.globals)
		case exportSection:
			exports := slices.Clone(module.others)
			for _, name := range slices.Sorted(maps.Keys(module.exports)) {
				exports = append(exports, concat(sized([]byte(name)), []byte{0}, unsigned(module.exports[name])))
			}
			section.content = vector(exports)
		case codeSection:
			var bodies [][]byte
			for _, body := range module.bodies {
				bodies = append(bodies, sized(body))
			}
			section.content = vector(bodies)
		}
		out = concat(out, []byte{section.id}, sized(section.content))
	}
	return out
}

type reader struct{ rest []byte }

func (in *reader) take(size uint64) []byte {
	taken := in.rest[:size]
	in.rest = in.rest[size:]
	return taken
}

func (in *reader) byte() byte { return in.take(1)[0] }

func (in *reader) number() uint64 {
	number, width := binary.Uvarint(in.rest)
	in.take(uint64(width))
	return number
}

// signed is a signed LEB128, which encoding/binary does not have.
func (in *reader) signed() int64 {
	var number int64
	for shift := 0; ; shift += 7 {
		next := in.byte()
		number |= int64(next&0x7f) << shift
		if next&0x80 == 0 {
			if next&0x40 != 0 {
				number |= -1 << (shift + 7)
			}
			return number
		}
	}
}

// since is what a step has passed over.
func (in *reader) since(step func()) []byte {
	before := in.rest
	step()
	return before[:len(before)-len(in.rest)]
}

func (in *reader) skipType() {
	in.byte()
	in.take(in.number())
	in.take(in.number())
}

// skipGlobal passes over a type, whether it changes, and a constant.
func (in *reader) skipGlobal() {
	in.take(2)
	in.byte()
	in.signed()
	in.byte()
}

func vector(items [][]byte) []byte {
	return concat(unsigned(uint32(len(items))), bytes.Join(items, nil))
}

func sized(content []byte) []byte { return concat(unsigned(uint32(len(content))), content) }

func unsigned(number uint32) []byte { return binary.AppendUvarint(nil, uint64(number)) }

func signed(number int64) []byte {
	var out []byte
	for {
		low := byte(number & 0x7f)
		number >>= 7
		if (number == 0 && low&0x40 == 0) || (number == -1 && low&0x40 != 0) {
			return append(out, low)
		}
		out = append(out, low|0x80)
	}
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
