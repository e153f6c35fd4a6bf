// Completion scripts, one function per shell. They are static text: pressing Tab does not start Node.
import type { CompletedOption, CompletedVerb } from "./describe-command.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The content of a script. */
export interface Completions {
  /** The names of the program. */
  readonly names: readonly [string, ...string[]];
  readonly options: readonly CompletedOption[];
  readonly verbs: readonly CompletedVerb[];
}

const flagsOf = (options: readonly CompletedOption[]) => options.flatMap(({ flags }) => flags).join(" ");

/** Quotes a text with single quotes, for all shells but fish. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** bash's completions for an option's value. */
function bashCase({ flags, value }: CompletedOption): string[] {
  const pattern = flags.join("|");
  switch (value?.kind) {
    case "words":
      return [
        `        ${pattern}) COMPREPLY=($(compgen -W "${value.words.join(" ")}" -- "$cur")); return ;;`,
      ];
    case "path":
      return [`        ${pattern}) return ;;`];
    case "free":
      return [`        ${pattern}) compopt +o default 2>/dev/null; return ;;`];
    case undefined:
      return [];
  }
}

const bashVerb = ({ name, options, words }: CompletedVerb): string[] => [
  `    ${name})`,
  '      case "$prev" in',
  ...options.flatMap(bashCase),
  "      esac",
  `      if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "${flagsOf(options)}" -- "$cur"))`,
  ...(words.length > 0 ? [`      else COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$cur"))`] : []),
  "      fi ;;",
];

/** The script for bash, which completes paths if nothing else is offered. */
function bash({ names, options, verbs }: Completions): string {
  const [name] = names;
  return [
    `# Completion of ${name} for bash: source <(${name} completion bash)`,
    `_${name}() {`,
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" verb="" word',
    '  if [[ "$cur" == "=" ]]; then cur=""; elif [[ "$prev" == "=" ]]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    if [[ "$word" != -* ]]; then verb="$word"; break; fi',
    "  done",
    "  COMPREPLY=()",
    '  case "$verb" in',
    '    "")',
    `      COMPREPLY=($(compgen -W "${verbs.map((verb) => verb.name).join(" ")} ${flagsOf(options)}" -- "$cur")) ;;`,
    ...verbs.flatMap(bashVerb),
    "  esac",
    "}",
    `complete -o default -o bashdefault -F _${name} ${names.join(" ")}`,
    "",
  ].join("\n");
}

/** Escapes a text for a description of zsh's _arguments. */
const zshText = (text: string): string => text.replace(/[\\[\]:]/g, "\\$&");

/** One line per spelling; an option may be repeated. */
function zshOption({ flags, about, value }: CompletedOption): string[] {
  const actions = { words: "", path: "_files", free: " " };
  const action =
    value === undefined
      ? ""
      : value.kind === "words"
        ? `:value:(${value.words.join(" ")})`
        : `:value:${actions[value.kind]}`;
  return flags.map((flag) => `        ${quoted(`*${flag}[${zshText(about)}]${action}`)}`);
}

const zshVerb = ({ name, options, words }: CompletedVerb): string[] => [
  `      ${name})`,
  "        _arguments -s \\",
  [
    ...options.flatMap(zshOption),
    `        ${quoted(words.length > 0 ? `1:word:(${words.join(" ")})` : "*:path:_files")}`,
    ...(words.length > 0 ? [`        ${quoted("*:path:_files")}`] : []),
  ].join(" \\\n") + " ;;",
];

function zsh({ names, options, verbs }: Completions): string {
  const [name] = names;
  return [
    `#compdef ${names.join(" ")}`,
    `# Completion of ${name} for zsh: ${name} completion zsh > "\${fpath[1]}/_${name}", then compinit`,
    `_${name}() {`,
    "  local context state state_descr line",
    "  typeset -A opt_args",
    "  local -a verbs",
    "  verbs=(",
    ...verbs.map((verb) => `    ${quoted(`${verb.name}:${zshText(verb.about)}`)}`),
    "  )",
    [
      "  _arguments -C",
      ...options.flatMap(({ flags, about }) =>
        flags.map((flag) => `    ${quoted(`${flag}[${zshText(about)}]`)}`),
      ),
      "    '1: :->verb'",
      "    '*:: :->arguments'",
    ].join(" \\\n"),
    "  case $state in",
    "    verb) _describe -t verbs verb verbs ;;",
    "    arguments)",
    "      case $words[1] in",
    ...verbs.flatMap(zshVerb),
    "      esac ;;",
    "  esac",
    "}",
    `if [ "$funcstack[1]" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${names.join(" ")}; fi`,
    "",
  ].join("\n");
}

/** Quotes a text for fish, where a backslash escapes backslashes and quotes. */
const fishText = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

function fishValue(value: CompletedOption["value"]): string {
  switch (value?.kind) {
    case "words":
      return ` -x -a ${fishText(value.words.join(" "))}`;
    case "path":
      return " -r -F";
    case "free":
      return " -x";
    case undefined:
      return "";
  }
}

function fishOption(name: string, condition: string, { flags, about, value }: CompletedOption): string {
  const spelt = flags
    .map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
    .join(" ");
  return `complete -c ${name} -n ${fishText(condition)} ${spelt}${fishValue(value)} -d ${fishText(about)}`;
}

function fish({ names, options, verbs }: Completions): string {
  const [first] = names;
  const lines = names.flatMap((name) => [
    ...options.map((option) => fishOption(name, "__fish_use_subcommand", option)),
    ...verbs.map(
      (verb) =>
        `complete -c ${name} -n ${fishText("__fish_use_subcommand")} -f -a ${verb.name} -d ${fishText(verb.about)}`,
    ),
    ...verbs.flatMap((verb) => {
      const condition = `__fish_seen_subcommand_from ${verb.name}`;
      const words =
        verb.words.length > 0
          ? [`complete -c ${name} -n ${fishText(condition)} -a ${fishText(verb.words.join(" "))}`]
          : [];
      return [...verb.options.map((option) => fishOption(name, condition, option)), ...words];
    }),
  ]);
  const about = `# Completion of ${first} for fish: ${first} completion fish > ~/.config/fish/completions/${first}.fish`;
  return [about, ...lines, ""].join("\n");
}

/** The script of each shell. */
export const scripts: Readonly<Record<Shell, (completions: Completions) => string>> = { bash, zsh, fish };
