// A pickle machine that cannot run code. It knows the opcodes that torch.save writes, and calls only the
// implementations that its world provides for globals. The opcodes are those of CPython's pickletools. Every resource
// has a named limit.
import { last, nextTurn } from "@blip-ts/base";
import { malformed, overLimit, refusedGlobal, refusedOpcode } from "../errors.ts";
import { OutOfBytes, PickleCursor, readLiteral } from "./pickle-cursor.ts";
import { OP, refusedOpcodeName } from "./pickle-opcodes.ts";
import {
  describeValue,
  isHashable,
  PICKLE_LIMITS,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleSet,
  PickleSkipped,
  PickleTuple,
  type PickleLimits,
  type PickleValue,
} from "./pickle-values.ts";

/** The objects that a pickle may refer to. */
export interface PickleWorld {
  /** The file, for messages. */
  readonly where: string;
  /** The allow-listed global of that name, or undefined. */
  findGlobal(module: string, name: string): PickleGlobal | undefined;
  /** Resolves a persistent id. */
  loadPersistent(id: PickleValue): PickleValue;
}

const LOWEST_PROTOCOL = 2;
const HIGHEST_PROTOCOL = 5;

/**
 * Reads one pickle, in turns of the event loop.
 * @param bytes contain the pickle at `start`; may continue after it
 * @returns its value and the offset after STOP; undefined if the bytes end before STOP
 * @throws {ModelError} `checkpoint/pickle-global`, `checkpoint/pickle-opcode`, `checkpoint/malformed`,
 * `checkpoint/limit`
 */
export async function runPickle(
  bytes: Uint8Array,
  start: number,
  world: PickleWorld,
  limits: PickleLimits = PICKLE_LIMITS,
): Promise<{ readonly value: PickleValue; readonly end: number } | undefined> {
  const cursor = new PickleCursor(bytes, start, world.where, limits);
  const steps = new Machine(cursor, world, limits).run();
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return { value: step.value, end: cursor.at };
      await nextTurn();
    }
  } catch (error) {
    if (error instanceof OutOfBytes) return undefined;
    throw error;
  }
}

/** The opcodes per turn of the event loop: a few milliseconds of work. */
const OPCODES_A_TURN = 50_000;

class Machine {
  readonly #cursor: PickleCursor;
  readonly #world: PickleWorld;
  readonly #limits: PickleLimits;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #steps = 0;

  constructor(cursor: PickleCursor, world: PickleWorld, limits: PickleLimits) {
    this.#cursor = cursor;
    this.#world = world;
    this.#limits = limits;
  }

  /** Runs to STOP. It yields when the event loop should get a turn. */
  *run(): Generator<undefined, PickleValue> {
    if (this.#cursor.uint8() !== OP.PROTO) throw this.#bad("does not begin with its protocol");
    this.#protocol();
    for (let count = 1; ; count++) {
      if (count % OPCODES_A_TURN === 0) yield;
      const at = this.#cursor.at;
      const opcode = this.#cursor.uint8();
      if (opcode === OP.STOP) return this.#stop();
      this.#charge(1);
      const literal = readLiteral(opcode, this.#cursor);
      if (literal === undefined) this.#step(opcode, at);
      else this.#push(literal);
    }
  }

  #bad(detail: string) {
    return malformed(this.#world.where, `the pickle ${detail}`);
  }

  #charge(steps: number): void {
    this.#steps += steps;
    this.#keepBelow(this.#steps, this.#limits.steps, "the work of the pickle, in steps,");
  }

  #keepBelow(count: number, limit: number, what: string): void {
    if (count > limit) throw overLimit(this.#world.where, what, count, limit);
  }

  #stop(): PickleValue {
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) throw this.#bad("leaves values on its stack");
    return value;
  }

  #protocol(): void {
    const protocol = this.#cursor.uint8();
    if (protocol < LOWEST_PROTOCOL || protocol > HIGHEST_PROTOCOL)
      throw this.#bad(`has protocol ${protocol}, expected ${LOWEST_PROTOCOL} to ${HIGHEST_PROTOCOL}`);
  }

  #push(value: PickleValue): void {
    this.#keepBelow(this.#stack.length + 1, this.#limits.stack, "the stack of the pickle");
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value =
      this.#stack.length > (this.#marks.length === 0 ? 0 : last(this.#marks)) ? this.#stack.pop() : undefined;
    if (value === undefined) throw this.#bad("takes more values from its stack than it put there");
    return value;
  }

  #top(): PickleValue {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#bad("closes a MARK that it did not open");
    return this.#stack.splice(mark);
  }

  #popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #step(opcode: number, at: number): void {
    switch (opcode) {
      case OP.PROTO: {
        this.#protocol();
        return;
      }
      case OP.FRAME:
        this.#cursor.take(8);
        return;
      case OP.MARK:
        this.#keepBelow(this.#marks.length + 1, this.#limits.marks, "the nesting of the pickle");
        this.#marks.push(this.#stack.length);
        return;
      case OP.POP:
        if (this.#stack.length === this.#marks.at(-1)) this.#popMark();
        else this.#pop();
        return;
      case OP.POP_MARK:
        this.#popMark();
        return;
      case OP.DUP: {
        this.#push(this.#top());
        return;
      }
      case OP.TUPLE: {
        this.#push(new PickleTuple(this.#popMark()));
        return;
      }
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3: {
        this.#push(new PickleTuple(this.#popMany(opcode - OP.TUPLE1 + 1)));
        return;
      }
      case OP.FROZENSET: {
        this.#push(new PickleSet(this.#popMark()));
        return;
      }
      case OP.APPEND: {
        this.#append(this.#popMany(1));
        return;
      }
      case OP.APPENDS: {
        this.#append(this.#popMark());
        return;
      }
      case OP.SETITEM: {
        this.#setItems(this.#popMany(2));
        return;
      }
      case OP.SETITEMS: {
        this.#setItems(this.#popMark());
        return;
      }
      case OP.ADDITEMS: {
        this.#addItems(this.#popMark());
        return;
      }
      default: {
        this.#refer(opcode, at);
        return;
      }
    }
  }

  /** The opcodes that refer to values (the memo, globals, persistent ids), and the opcodes that call. */
  #refer(opcode: number, at: number): void {
    switch (opcode) {
      case OP.BINPUT: {
        this.#remember(this.#cursor.uint8());
        return;
      }
      case OP.LONG_BINPUT: {
        this.#remember(this.#cursor.uint32());
        return;
      }
      case OP.MEMOIZE: {
        this.#remember(this.#memo.size);
        return;
      }
      case OP.BINGET: {
        this.#recall(this.#cursor.uint8());
        return;
      }
      case OP.LONG_BINGET: {
        this.#recall(this.#cursor.uint32());
        return;
      }
      case OP.GLOBAL: {
        this.#push(this.#global(this.#cursor.line(), this.#cursor.line()));
        return;
      }
      case OP.STACK_GLOBAL: {
        this.#stackGlobal();
        return;
      }
      case OP.BINPERSID: {
        this.#push(this.#world.loadPersistent(this.#pop()));
        return;
      }
      case OP.REDUCE:
      case OP.NEWOBJ: {
        this.#call();
        return;
      }
      case OP.BUILD: {
        this.#build();
        return;
      }
      case OP.INST:
        // A refused class is the worse problem, so it is reported first.
        this.#global(this.#cursor.line(), this.#cursor.line());
        throw refusedOpcode(this.#world.where, refusedOpcodeName(opcode), at);
      default:
        throw refusedOpcode(this.#world.where, refusedOpcodeName(opcode), at);
    }
  }

  #remember(slot: number): void {
    this.#memo.set(slot, this.#top());
    this.#keepBelow(this.#memo.size, this.#limits.memo, "the memo of the pickle");
  }

  #recall(slot: number): void {
    const value = this.#memo.get(slot);
    if (value === undefined) throw this.#bad(`reads memo ${slot}, which is empty`);
    this.#push(value);
  }

  #global(module: string, name: string): PickleGlobal {
    const found = this.#world.findGlobal(module, name);
    if (found === undefined) throw refusedGlobal(this.#world.where, `${module}.${name}`);
    return found;
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    if (typeof module !== "string" || typeof name !== "string")
      throw this.#bad("names a global with a value that is not a string");
    this.#push(this.#global(module, name));
  }

  #call(): void {
    const [callee, args] = this.#popMany(2);
    if (!(callee instanceof PickleGlobal) || callee.call === undefined || !(args instanceof PickleTuple))
      throw this.#bad(`calls ${describeValue(callee)} with ${describeValue(args)}`);
    this.#push(callee.call(args.items, (steps) => this.#charge(steps)));
  }

  /** Drops attributes. Those of an OrderedDict (a state dict's `_metadata`) do not affect weights. */
  #build(): void {
    const [target, state] = this.#popMany(2);
    if (!(
      target instanceof PickleSkipped ||
      (target instanceof PickleDict && target.takesAttributes && state instanceof PickleDict)
    ))
      throw this.#bad(`sets attributes of ${describeValue(target)} from ${describeValue(state)}`);
    this.#push(target);
  }

  #append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (list instanceof PickleSkipped) return;
    if (!(list instanceof PickleList)) throw this.#bad(`appends to ${describeValue(list)}`);
    for (const item of items) list.items.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dict = this.#top();
    if (dict instanceof PickleSkipped) return;
    if (!(dict instanceof PickleDict)) throw this.#bad(`sets items of ${describeValue(dict)}`);
    for (let index = 0; index < items.length; index += 2) {
      const [key, value] = items.slice(index, index + 2);
      if (key === undefined || value === undefined) throw this.#bad("sets a key without a value");
      if (!isHashable(key)) throw this.#bad(`uses ${describeValue(key)} as a key`);
      dict.entries.set(key, value);
    }
  }

  #addItems(items: readonly PickleValue[]): void {
    const set = this.#top();
    if (set instanceof PickleSkipped) return;
    if (!(set instanceof PickleSet)) throw this.#bad(`adds items to ${describeValue(set)}`);
    for (const item of items) set.items.push(item);
  }
}
