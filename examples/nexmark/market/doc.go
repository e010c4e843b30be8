// Package market is an online auction as the Nexmark benchmark has it
// (https://github.com/nexmark/nexmark): people register, put things up for auction
// and bid. It has a generator of such events and the benchmark's queries 0 to 8,
// which are there to be read: each is a pipeline of a few stages.
package market
