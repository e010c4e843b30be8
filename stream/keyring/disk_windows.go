package keyring

// syncDir does nothing: names are made durable by the file system.
func syncDir(string) error { return nil }
