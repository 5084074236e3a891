package main

const (
	fewestDigits = 13
	mostDigits   = 19
	clearDigits  = 4
	// residentSize is six digits, a hyphen and seven digits.
	residentSize = 14
	// residentClear is what stays readable of them.
	residentClear = 8
)

// scanner finds numbers in lines, looking at each run of digits from the left.
type scanner struct {
	cards, residents bool
	mask             string
	masked           []byte
	foundCards       int
	foundResidents   int
}

// scan tells whether it found a number; then masked is the line to put out, good until the next scan.
func (scanner *scanner) scan(line string) bool {
	scanner.masked = scanner.masked[:0]
	copied := 0
	for at := 0; at < len(line); {
		if !isDigit(line[at]) {
			at++
			continue
		}
		size, digits := groups(line[at:])
		if digits < fewestDigits {
			// Neither a card nor a resident number, and neither is any part of it.
			at += size
			continue
		}
		number, clear, hidden := scanner.find(line[at:])
		if number == 0 {
			at += runEnd(line[at:], 0)
			continue
		}
		scanner.masked = append(scanner.masked, line[copied:at+clear]...)
		scanner.hide(line[at+clear:at+number], hidden)
		at += number
		copied = at
	}
	if copied == 0 {
		return false
	}
	scanner.masked = append(scanner.masked, line[copied:]...)
	return true
}

// find is the number that text begins with: its size, how much of it stays, and how many digits behind that are hidden.
func (scanner *scanner) find(text string) (size, clear, hidden int) {
	if scanner.residents && isResident(text) {
		scanner.foundResidents++
		return residentSize, residentClear, residentSize
	}
	if !scanner.cards {
		return 0, 0, 0
	}
	size, digits := card(text)
	if size > 0 {
		scanner.foundCards++
	}
	return size, 0, digits - clearDigits
}

func (scanner *scanner) hide(number string, hidden int) {
	for index := range len(number) {
		if isDigit(number[index]) && hidden > 0 {
			hidden--
			scanner.masked = append(scanner.masked, scanner.mask...)
		} else {
			scanner.masked = append(scanner.masked, number[index])
		}
	}
}

// isResident tells whether text, which begins with the first digit of a run, begins with a resident number.
func isResident(text string) bool {
	if len(text) < residentSize || text[6] != '-' || (len(text) > residentSize && isDigit(text[residentSize])) {
		return false
	}
	for index := range residentSize {
		if index != 6 && !isDigit(text[index]) {
			return false
		}
	}
	month, day := two(text[2:]), two(text[4:])
	return 1 <= month && month <= 12 && 1 <= day && day <= 31 && '1' <= text[7] && text[7] <= '8'
}

// groups are those of digits, one space or hyphen between them, that text begins with: where they end, and how many
// digits they have. Counting ends past 19.
func groups(text string) (end, digits int) {
	for {
		next := runEnd(text, end)
		digits += next - end
		end = next
		if digits > mostDigits || !anotherFollows(text, end) {
			return end, digits
		}
		end++
	}
}

// card is the longest prefix of whole groups that is a card number: its size and how many digits it has.
func card(text string) (size, digits int) {
	// Which digits are doubled depends on how many follow: both sums go along, and change places.
	sum, other, count := 0, 0, 0
	for at := 0; ; at++ {
		for ; at < len(text) && isDigit(text[at]); at++ {
			digit := int(text[at] - '0')
			doubled := 2 * digit
			if digit > 4 {
				doubled -= 9
			}
			sum, other = other+digit, sum+doubled
			count++
		}
		if count > mostDigits {
			return size, digits
		}
		if count >= fewestDigits && sum%10 == 0 {
			size, digits = at, count
		}
		if !anotherFollows(text, at) {
			return size, digits
		}
	}
}

func runEnd(text string, at int) int {
	for at < len(text) && isDigit(text[at]) {
		at++
	}
	return at
}

func anotherFollows(text string, at int) bool {
	return at+1 < len(text) && (text[at] == ' ' || text[at] == '-') && isDigit(text[at+1])
}

func two(text string) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

func isDigit(letter byte) bool { return letter-'0' <= 9 }
