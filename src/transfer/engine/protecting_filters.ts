import type { Session } from '../../connector/connector.ts'
import { compileFilters, type Filter } from '../../filter/compile.ts'
import { sides } from '../../job/endpoint.ts'
import type { ExecutionSpec } from './execution_spec.ts'

/** The filters of source and destination, asked about what the destination has: what they leave out they also protect. */
export function protectingFilters(
  { settings: { filter, transferType }, nowNs }: Pick<ExecutionSpec, 'settings' | 'nowNs'>,
  { capabilities }: Pick<Session, 'capabilities'>,
): Filter[] {
  const { caseSensitive } = capabilities.names
  return sides.map((side) => compileFilters(filter, side, { nowNs, transferType, caseSensitive }))
}
