import type { Access, Session } from '../connector/connector.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { carriesPermissions } from '../policy/permissions.ts'
import type { JobSpec } from './job_spec.ts'
import type { SideName } from './sides.ts'

/** How containers are made: closed until their own permissions are set; where none are carried, as the platform has new ones. */
export function accessOfNew({ settings }: JobSpec, sides: Record<SideName, Session>): Access {
  return carriesPermissions(settings.permissions, sides) ? 'closed' : 'platform'
}

const key = 'access:new'

/** For whoever looks for containers of an execution that has ended. */
export function rememberAccessOfNew(ledger: Ledger, access: Access): Promise<void> {
  return ledger.remember(key, access)
}

export async function formerAccessOfNew(ledger: Ledger): Promise<Access> {
  return (await ledger.recall(key)) === 'closed' ? 'closed' : 'platform'
}
