// Prints what Go's regexp, the reference for the flavour, answers to patterns.txt on texts.txt:
//
//	cd guest-sdk/pattern/tests/golden && go run re2.go > answers.txt
//
// One line per pattern: its answers, one per text, divided by tabs; "-" is no match, "refused" a pattern Go refuses.
// The pattern is wrapped in a group `m`, so that the whole match is compared as well.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Control characters are written as their pictures.
var pictures = strings.NewReplacer("␀", "\x00", "␉", "\t", "␊", "\n", "␋", "\v", "␌", "\f", "␍", "\r")

func lines(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	var all []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		all = append(all, scanner.Text())
	}
	return all
}

func main() {
	texts := lines("texts.txt")
	for _, pattern := range lines("patterns.txt") {
		if _, err := regexp.Compile(pattern); err != nil {
			fmt.Println("refused")
			continue
		}
		wrapped := regexp.MustCompile("(?P<m>" + pattern + ")")
		answers := make([]string, 0, len(texts))
		for _, text := range texts {
			answers = append(answers, answer(wrapped, pictures.Replace(text)))
		}
		fmt.Println(strings.Join(answers, "\t"))
	}
}

func answer(wrapped *regexp.Regexp, text string) string {
	found := wrapped.FindStringSubmatchIndex(text)
	if found == nil {
		return "-"
	}
	var spans []string
	for i, name := range wrapped.SubexpNames() {
		if name == "" {
			continue
		}
		if found[2*i] < 0 {
			spans = append(spans, name+"=none")
		} else {
			spans = append(spans, fmt.Sprintf("%s=%d..%d", name, found[2*i], found[2*i+1]))
		}
	}
	return strings.Join(spans, " ")
}
