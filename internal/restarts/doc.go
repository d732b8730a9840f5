// Package restarts is what the strategies of package supervisor and the
// supervisor of a pool have in common: restart budgets, restart delays, and the
// interface by which a strategy finds out that its workers belong to a pool.
package restarts
