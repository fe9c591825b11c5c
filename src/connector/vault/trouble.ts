import { DatabaseUnusable, isBusy, isFull, isReadOnly } from '../../database/sqlite.ts'
import { ConnectorError } from '../errors.ts'
import { troubleOf } from '../local/trouble.ts'

/** Any failure as a connector's error. */
export function vaultTrouble(error: unknown, id: string): ConnectorError {
  if (error instanceof ConnectorError) return error
  if (error instanceof DatabaseUnusable) {
    return new ConnectorError('Misconfigured', `the vault's tree cannot be used: ${error.message}`, { cause: error })
  }
  if (isBusy(error)) {
    return new ConnectorError('Throttled', 'others keep the vault busy', { id, cause: error, retryAfterMs: 1_000 })
  }
  if (isFull(error)) return new ConnectorError('QuotaExceeded', 'no space left for the vault', { id, cause: error })
  if (isReadOnly(error)) return new ConnectorError('ReadOnly', 'the vault is read-only', { id, cause: error })
  return troubleOf(error, id)
}

/** Runs `work`; whatever fails in it leaves as a connector's error about `id`. */
export function guarded<T>(id: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw vaultTrouble(error, id)
  }
}
