import type { Session } from '../../connector/connector.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { carriesPermissions } from '../../policy/permissions.ts'
import type { ExecutionSpec } from '../engine/execution_spec.ts'
import type { SideName } from '../engine/sides.ts'

/** How containers are made at most: closed until their own permissions are set; where none are carried, as the platform has new ones. */
export function accessOfNew({ settings }: ExecutionSpec, sides: Record<SideName, Session>): 'closed' | 'platform' {
  return carriesPermissions(settings.permissions, sides) ? 'closed' : 'platform'
}

const key = 'access:new'

/** For whoever looks for containers of an execution that has ended. */
export function rememberAccessOfNew(ledger: Ledger, access: 'closed' | 'platform'): Promise<void> {
  return ledger.remember(key, access)
}

export async function formerAccessOfNew(ledger: Ledger): Promise<'closed' | 'platform'> {
  return (await ledger.recall(key)) === 'closed' ? 'closed' : 'platform'
}
