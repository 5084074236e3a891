// The SDK is a folder, not a published module: a plugin's go.mod says where it lies
// (replace millstream.internal/stage => ./sdk).
module millstream.internal/stage

go 1.25
