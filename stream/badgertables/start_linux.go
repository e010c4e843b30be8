package badgertables

import (
	"os"
	"strings"
)

// machineStart names the machine's last start; empty if it can not be told.
func machineStart() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "" // then nothing that was left open is trusted
	}
	return strings.TrimSpace(string(text))
}
