module {{name}}

go 1.25

require millstream.internal/stage v0.0.0

replace millstream.internal/stage => ./sdk
