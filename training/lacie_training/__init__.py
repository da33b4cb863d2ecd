"""LACIE, from questions to an evaluated adapter: sample -> judge -> pairs -> dpo -> evaluate, one module a stage."""
