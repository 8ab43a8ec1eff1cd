"""The paper restated in slow, plain code, against which the fast code is tested."""
