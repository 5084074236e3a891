package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// parseSettings reads settings; null and nothing mean none given. The defaults go through JSON too, so that two
// instances never share a map or a slice.
func parseSettings[S any](text string, defaults S) (S, error) {
	var settings S
	text = strings.TrimSpace(text)
	if text == "" || text == "null" {
		text = "{}"
	}
	copied, err := json.Marshal(defaults)
	if err == nil {
		err = json.Unmarshal(copied, &settings)
	}
	if err != nil {
		return settings, fmt.Errorf("the stage's own defaults are no JSON: %w", err)
	}
	var whole any
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return settings, fmt.Errorf("the settings are no JSON: %w", err)
	}
	walk := walker{json.NewDecoder(strings.NewReader(text))}
	if err := walk.value("", reflect.TypeFor[S]()); err != nil {
		return settings, err
	}
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		return settings, reword(err)
	}
	return settings, nil
}

// walker compares the keys of a text with a type, more strictly than encoding/json does.
type walker struct{ *json.Decoder }

func (walk walker) value(path string, of reflect.Type) error {
	pointer := false
	for of.Kind() == reflect.Pointer {
		pointer, of = true, of.Elem()
	}
	token, err := walk.Token()
	if err != nil {
		return err
	}
	own := reflect.PointerTo(of).Implements(reflect.TypeFor[json.Unmarshaler]())
	switch token {
	case nil:
		if !pointer && !own && of.Kind() != reflect.Interface {
			return refuse(path, "got null, needs "+kindName(of))
		}
		return nil
	case json.Delim('['):
		element := reflect.TypeFor[any]()
		if !own && (of.Kind() == reflect.Slice || of.Kind() == reflect.Array) {
			element = of.Elem()
		}
		for index := 0; walk.More(); index++ {
			if err := walk.value(fmt.Sprintf("%s[%d]", path, index), element); err != nil {
				return err
			}
		}
		_, err = walk.Token()
		return err
	case json.Delim('{'):
		if own {
			of = reflect.TypeFor[any]()
		}
		return walk.object(path, of)
	}
	return nil
}

func (walk walker) object(path string, of reflect.Type) error {
	seen := map[string]bool{}
	for walk.More() {
		token, err := walk.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		inner := key
		if path != "" {
			inner = path + "." + key
		}
		if seen[key] {
			return fmt.Errorf("setting `%s` is given twice", inner)
		}
		seen[key] = true
		element := reflect.TypeFor[any]()
		switch of.Kind() {
		case reflect.Map:
			element = of.Elem()
		case reflect.Struct:
			names, types := keys(of)
			if types[key] == nil {
				return fmt.Errorf("unknown setting `%s`: %s", inner, expected(names))
			}
			element = types[key]
		}
		if err := walk.value(inner, element); err != nil {
			return err
		}
	}
	_, err := walk.Token()
	return err
}

// keys are what encoding/json calls the fields of a struct; those of embedded structs count as its own.
func keys(of reflect.Type) ([]string, map[string]reflect.Type) {
	var names []string
	types := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(of) {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || tag == "-" || (field.Anonymous && tag == "") {
			continue
		}
		if tag == "" {
			tag = field.Name
		}
		names = append(names, tag)
		types[tag] = field.Type
	}
	return names, types
}

func expected(names []string) string {
	switch len(names) {
	case 0:
		return "there are no settings"
	case 1:
		return "expected `" + names[0] + "`"
	}
	return "expected one of `" + strings.Join(names, "`, `") + "`"
}

// reword speaks of settings where encoding/json speaks of Go.
func reword(err error) error {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return refuse(mistyped.Field, "got "+mistyped.Value+", needs "+kindName(mistyped.Type))
	}
	return fmt.Errorf("the settings cannot be used: %w", err)
}

func refuse(path, why string) error {
	if path == "" {
		return errors.New("the settings: " + why)
	}
	return Refuse(path, "%s", why)
}

func kindName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 that fits %d bits", of.Bits())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("a whole number that fits %d bits", of.Bits())
	}
	return "a " + of.String()
}
