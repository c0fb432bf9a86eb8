"""Which mutant shows that a law of an exploration can fail, on real time and under schedules."""

from properties.mutants.registry import all_mutants

MUTANTS = all_mutants()
TEETH = {
    "an_undisturbed_attempt_succeeds": "the_update_compares_all_but_the_key",
    "only_legal_edges_are_taken": "the_version_is_counted_twice",
    "only_the_entitled_move_a_row": "the_guard_is_asked_and_not_heeded",
    "nothing_is_applied_twice": "the_version_is_counted_twice",
    "a_stale_writer_never_wins": "who_comes_late_is_told_success",
    "an_acknowledged_transition_stays": "the_old_version_is_returned",
    "a_refused_attempt_leaves_no_trace": "who_was_refused_has_moved_the_row",
    "an_error_after_commit_says_so": "an_error_after_the_commit_is_told_unchanged",
    "an_unknown_outcome_resolves_in_one_read": "outcomes_are_looked_up_by_file",
    "every_answer_was_true_at_some_moment": "who_meets_a_lock_is_told_that_it_was_overtaken",
    "the_history_is_linearizable": "rows_are_read_from_a_cache",
    "the_event_log_tells_the_truth": "failures_are_not_recorded",
    "retries_are_bounded": "busy_is_not_tried_again",
    "nothing_outlives_its_owner": "the_table_of_locks_grows",
}
"""By law. None of them leaves a connection or a thread, which the tests' own process would keep."""
