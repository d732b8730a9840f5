package workload

// SentBy returns how many messages a number of senders are told to send.
func SentBy(count, messages int) int {
	sent := 0
	s := &senders{}
	for range count {
		s.starts = append(s.starts, func(share int) { sent += share })
	}
	s.send(messages)
	return sent
}
