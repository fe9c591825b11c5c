import type { GateResult, Measurements } from './gates.ts'
import { median } from './statistics.ts'

/** Medians of everything that was measured, one line each. */
export function measurementsTable(measured: Measurements): string[] {
  const rows = Object.entries(measured).map(([name, values]) => [
    name,
    figure(median(values)),
    `${figure(Math.min(...values))} – ${figure(Math.max(...values))}`,
    String(values.length),
  ])
  return aligned([['measured', 'median', 'from – to', 'runs'], ...rows])
}

export function gatesTable(gates: readonly GateResult[]): string[] {
  const rows = gates.map(({ id, what, value, interval, threshold, unit, passed, why }) => [
    passed ? 'passed' : 'FAILED',
    id,
    value === undefined ? '–' : `${figure(value)} ${unit}`.trim(),
    interval === undefined ? '' : `${figure(interval.low)} – ${figure(interval.high)}`,
    `${threshold} ${unit}`.trim(),
    why === undefined ? what : `${what}: ${why}`,
  ])
  return aligned([['', '', 'median', '95 % interval', 'gate', ''], ...rows])
}

function figure(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function aligned(rows: readonly string[][]): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), [])
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
