// Writes what Go's time package makes of times: the vectors of the stage `timestamp`.
//
//	TZ=UTC go run . > times.txt
package main

import (
	"fmt"
	"math/rand"
	"time"
	_ "time/tzdata"
)

var layouts = []string{
	time.ANSIC, time.UnixDate, time.RubyDate, time.RFC822, time.RFC822Z, time.RFC850, time.RFC1123, time.RFC1123Z,
	time.RFC3339, time.RFC3339Nano, time.DateTime, time.Kitchen + " 2006", time.StampMicro + " 2006",
	"2006-01-02 15:04:05,000", "2006-01-02T15:04:05.999-0700", "02/Jan/2006:15:04:05 -0700", "2006 002 15:04",
	"2006/1/2 3:4:5 pm", "20060102150405", "2006-01-02 15:04:05 MST", "Monday, January _2 2006 15h04m05.00s Z07",
	"06-01-02 15:04:05Z07:00:00", "__2 2006 15", "2006-01-02 15:04:05.000000000 -070000",
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo"}

// spoil changes one byte now and then, so that refusals are compared too.
func spoil(r *rand.Rand, text string) string {
	if r.Intn(4) > 0 || text == "" {
		return text
	}
	at := r.Intn(len(text))
	switch r.Intn(3) {
	case 0:
		return text[:at] + text[at+1:]
	case 1:
		return text[:at] + string("0123456789 :.-+ZTMa"[r.Intn(19)]) + text[at+1:]
	}
	return text[:at] + string("0123456789 :.,"[r.Intn(14)]) + text[at:]
}

func main() {
	r := rand.New(rand.NewSource(1))
	for i := 0; i < 1000; i++ {
		layout, zone := layouts[r.Intn(len(layouts))], zones[r.Intn(len(zones))]
		location, err := time.LoadLocation(zone)
		if err != nil {
			panic(err)
		}
		// Every third near a change of the clocks in 2026.
		at := time.Unix(r.Int63n(2_500_000_000)-200_000_000, r.Int63n(1_000_000_000))
		if i%3 == 0 {
			at = time.Unix([]int64{1774746000, 1792890000, 1772953200, 1793512800}[r.Intn(4)]+r.Int63n(14400)-7200, 0)
		}
		text := spoil(r, at.In(location).Format(layout))
		if parsed, err := time.ParseInLocation(layout, text, location); err != nil {
			fmt.Printf("%s|%s|%s|-\n", layout, zone, text)
		} else if parsed.Year() >= 1678 && parsed.Year() < 2262 {
			fmt.Printf("%s|%s|%s|%d\n", layout, zone, text, parsed.UnixNano())
		}
	}
}
