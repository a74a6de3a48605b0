# SPDX-License-Identifier: GPL-2.0-or-later
"""A sample of the mutation run; the rest is by hand (README.md)."""

import mutants
import mutate

SAMPLE, SEED = 40, 1


def test_list_of_equivalents_is_up_to_date():
    assert not mutate.stale(mutate.read_equivalent())


def test_every_source_of_the_core_is_mutated():
    listed = (mutants.PLUGIN / "meson.build").read_text().split("core_sources = files(")[1].split(")")[0]
    assert {name for name in mutants.SOURCES if name.endswith(".c")} == set(listed.split("'")[1::2])
    assert all(mutants.of(source) for source in mutants.SOURCES if source != "values.c")


def test_sample_is_killed():
    listed = mutate.read_equivalent()
    drawn = sorted(mutants.all_mutants(), key=lambda mutant: mutant.lot(SEED))[:SAMPLE]
    results = mutate.run_all([mutant for mutant in drawn if mutant.key not in listed], jobs=2)
    killed, of = mutate.share(results)
    survivors = [str(mutant) for mutant, verdict, _ in results if verdict in ("survived", "failed")]
    print(f"{killed} of {of} mutants killed")
    assert of >= SAMPLE / 2
    assert killed >= 0.95 * of, "\n\n".join(survivors)
