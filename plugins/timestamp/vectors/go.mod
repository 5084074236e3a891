module vectors

go 1.22
