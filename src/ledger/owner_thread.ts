import { parentPort } from 'node:worker_threads'
import { toSent } from './errors.ts'
import { Owner } from './owner.ts'
import { lockLedger } from './owner_lock.ts'
import type { FromOwner, ToOwner } from './owner_threads.ts'
import { SqliteLedger } from './sqlite/ledger.ts'

/** The thread that owns one ledger file, and then perhaps another. Everybody else asks it through a port. */
const main = parentPort
if (!main) throw new Error('the ledger owner runs as a worker thread')
const answer = (message: FromOwner): void => main.postMessage(message)

let owned: { owner: Owner; lock: ReturnType<typeof lockLedger> } | undefined

main.on('message', (message: ToOwner) => {
  if ('port' in message) {
    owned?.owner.serve(message.port)
  } else if ('close' in message) {
    close()
    answer({ state: 'closed' })
  } else {
    try {
      open(message.open)
      answer({ state: 'opened' })
    } catch (error) {
      answer({ state: 'refused', error: toSent(error, message.open) })
    }
  }
})

function open(file: string): void {
  const lock = lockLedger(file)
  try {
    owned = { owner: new Owner(new SqliteLedger(file)), lock }
  } catch (error) {
    lock.release()
    throw error
  }
}

function close(): void {
  const closing = owned
  owned = undefined
  closing?.owner.close()
  closing?.lock.release()
}
