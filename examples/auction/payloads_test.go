package main

import (
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
	"github.com/thaw-go/thaw/testkit/golden"
)

// What is in a log stays there: whoever changes an event must say how the old ones
// are read. An address is stored sealed, and read sealed.
func TestEveryPayloadEverStoredIsStillRead(t *testing.T) {
	golden.Payloads(t, Clocks, "payloads/clocks", ClockSet{7, at(0)}, Ticked{3, at(1)})
	golden.Payloads(t, Lots, "payloads/lots", opened, BidPlaced{"ann", 12_00, at(1)}, LotSold{"ann", 12_00, at(10)}, LotUnsold{at(10)},
		SaleCancelled{"ann", at(20)}, SecondChanceOffered{"bob", 11_00, at(20)})
	golden.Payloads(t, Invoices, "payloads/invoices", InvoiceIssued{"1", "ann", 12_00, at(10), at(20)}, InvoicePaid{"1", "ann", 12_00, at(11)}, InvoiceCancelled{"1", at(20)})

	keys := keyring.InMemory()
	ann := PersonRegistered{"Ann", "York", stream.Seal("person/ann", Address{"ann@example", "Long Lane"}), "mark", at(0)}
	if err := stream.CloseSealed(t.Context(), keys, &ann); err != nil {
		t.Fatal(err)
	}
	golden.Payloads(t, Persons, "payloads/persons", ann)
}
