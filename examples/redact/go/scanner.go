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
		end, clear := at, 0
		if scanner.residents && isResident(line[at:]) {
			end, clear = at+residentSize, residentClear
			scanner.foundResidents++
		} else if scanner.cards {
			if size, digits := cardSize(line[at:]); size > 0 {
				scanner.foundCards++
				scanner.masked = append(scanner.masked, line[copied:at]...)
				scanner.maskCard(line[at:at+size], digits-clearDigits)
				at += size
				copied = at
				continue
			}
		}
		if end > at {
			scanner.masked = append(scanner.masked, line[copied:at+clear]...)
			for range residentSize - residentClear {
				scanner.masked = append(scanner.masked, scanner.mask...)
			}
			at, copied = end, end
			continue
		}
		for at < len(line) && isDigit(line[at]) {
			at++
		}
	}
	if copied == 0 {
		return false
	}
	scanner.masked = append(scanner.masked, line[copied:]...)
	return true
}

func (scanner *scanner) maskCard(card string, hidden int) {
	for index := range len(card) {
		if isDigit(card[index]) && hidden > 0 {
			hidden--
			scanner.masked = append(scanner.masked, scanner.mask...)
		} else {
			scanner.masked = append(scanner.masked, card[index])
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

// cardSize is the size of the longest card that text begins with, separators included, and how many digits it has.
func cardSize(text string) (size, digits int) {
	var all [mostDigits]byte
	count := 0
	for at := 0; ; at++ {
		for at < len(text) && isDigit(text[at]) {
			if count == mostDigits {
				return size, digits
			}
			all[count] = text[at] - '0'
			count++
			at++
		}
		if count >= fewestDigits && luhn(all[:count]) {
			size, digits = at, count
		}
		if at+1 >= len(text) || (text[at] != ' ' && text[at] != '-') || !isDigit(text[at+1]) {
			return size, digits
		}
	}
}

func luhn(digits []byte) bool {
	sum := 0
	for index, digit := range digits {
		value := int(digit)
		if (len(digits)-index)%2 == 0 {
			value *= 2
			if value > 9 {
				value -= 9
			}
		}
		sum += value
	}
	return sum%10 == 0
}

func two(text string) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

func isDigit(letter byte) bool { return letter-'0' <= 9 }
