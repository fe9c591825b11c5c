import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { toSent } from './errors.ts'
import { Owner } from './owner.ts'
import { lockLedger } from './owner_lock.ts'
import { SqliteLedger } from './sqlite/ledger.ts'

/** The thread that owns one ledger file. Everybody else asks it through a port. */
const main = parentPort
if (!main) throw new Error('the ledger owner runs as a worker thread')
const { file } = workerData as { file: string }

try {
  const lock = lockLedger(file)
  const owner = open(lock)
  main.on('message', (message: { port: MessagePort } | { close: true }) => {
    if ('port' in message) {
      owner.serve(message.port)
      return
    }
    owner.close()
    lock.release()
    main.close()
  })
  main.postMessage({ ready: true })
} catch (error) {
  main.postMessage({ error: toSent(error, file) })
  main.close()
}

function open(lock: ReturnType<typeof lockLedger>): Owner {
  try {
    return new Owner(new SqliteLedger(file))
  } catch (error) {
    lock.release()
    throw error
  }
}
