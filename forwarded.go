package ssebridge

// forwardedFields are those by which a proxy in front says what its client has asked for.
var forwardedFields = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}
