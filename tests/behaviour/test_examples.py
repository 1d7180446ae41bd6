"""The examples of arrays and dependencies, unmodified, through dstack: the tests of the local executor."""

from tests.examples.test_local import (  # noqa: F401
    test_evaluation_of_a_checkpoint_starts_before_all_checkpoints_are_there,
    test_hyperparameter_sweep,
    test_singletons_submitted_at_once_never_run_together,
    test_train_evaluate_cleanup,
)
